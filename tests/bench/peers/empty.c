/* empty: the smallest responder that reads its request and answers it, written as libfcgi's users write
 * one. What it costs is the cost of the way: web server, protocol, process.
 *
 *   empty           as FastCGI on descriptor 0, or as plain CGI
 *   empty SOCKET    on a socket of its own */

#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 1024

static const char answer[] = "Status: 200 OK\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 17\r\n"
                             "\r\n"
                             "{\"received\":true}";
static char body[65536];

static int listen_on(const char *path)
{
    int fd = FCGX_OpenSocket(path, BACKLOG);

    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || chmod(path, 0666) != 0) {
        perror(path);
        return -1;
    }
    return close(fd);
}

static int serve_cgi(void)
{
    while (fread(body, 1, sizeof body, stdin) == sizeof body)
        ;
    return fwrite(answer, 1, sizeof answer - 1, stdout) == sizeof answer - 1 ? EXIT_SUCCESS
                                                                             : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    FCGX_Stream *in, *out, *err;
    FCGX_ParamArray params;

    if (argc > 1 && listen_on(argv[1]) != 0)
        return EXIT_FAILURE;
    if (FCGX_IsCGI())
        return serve_cgi();
    while (FCGX_Accept(&in, &out, &err, &params) == 0) {
        while (FCGX_GetStr(body, sizeof body, in) == (int)sizeof body)
            ;
        if (FCGX_PutStr(answer, sizeof answer - 1, out) < 0)
            break;
    }
    return EXIT_SUCCESS;
}
