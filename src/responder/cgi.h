/* cgi: the same program as plain CGI (RFC 3875): one request on standard input, one answer on standard
 * output. */
#ifndef GUICHET_RESPONDER_CGI_H
#define GUICHET_RESPONDER_CGI_H

#include <stdbool.h>
#include "receive.h"

/* Whether a web server started this process as a CGI program. */
bool cgi_started(void);

/* Answers the request of this process. Returns the exit status. */
int cgi_serve(const struct service *service, struct receiver *receiver);

/* The answer when nothing else can be done: 500 without detail. */
void cgi_fail(void);

#endif
