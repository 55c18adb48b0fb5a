/* What takes the place of those parts of the C library, in the portable program, that load shared
 * libraries at run time: the name service, and dlopen itself, by which libcrypto would load what the
 * host's openssl.cnf asks for.
 *
 * They must be of the very version that the program was linked with: on another host that fails, or
 * crashes. So getaddrinfo knows addresses alone; names in the configuration are refused where it is read
 * (store/redis_url.h). Only what hiredis asks for is here: one address and a port, for a stream. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct found {
    struct addrinfo info;
    struct sockaddr_storage address;
};

static int port_of(const char *service, in_port_t *out)
{
    char *end;
    unsigned long port = service != NULL ? strtoul(service, &end, 10) : 0;

    if (service != NULL && (*service == '\0' || *end != '\0' || port > 65535))
        return EAI_SERVICE;
    *out = htons((in_port_t)port);
    return 0;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    struct found *f;
    int family = hints != NULL ? hints->ai_family : AF_UNSPEC, error;
    in_port_t port = 0;

    *out = NULL;
    error = port_of(service, &port);
    if (error != 0)
        return error;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return EAI_MEMORY;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&f->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&f->address;
    if (name != NULL && family != AF_INET6 && inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        f->info.ai_addrlen = sizeof *v4;
    } else if (name != NULL && family != AF_INET &&
               inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        f->info.ai_addrlen = sizeof *v6;
    } else {
        free(f);
        return EAI_NONAME;
    }
    f->info.ai_family = f->address.ss_family;
    f->info.ai_socktype = SOCK_STREAM;
    f->info.ai_protocol = IPPROTO_TCP;
    f->info.ai_addr = (struct sockaddr *)&f->address;
    *out = &f->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    free(list); /* the first member of a struct found */
}

const char *gai_strerror(int error)
{
    return error == EAI_MEMORY    ? "no memory"
           : error == EAI_SERVICE ? "no port number"
                                  : "this program takes addresses alone, no names of hosts";
}

/* libfcgi's, for sockets that it would open itself. */
struct hostent *gethostbyname(const char *name)
{
    (void)name;
    h_errno = HOST_NOT_FOUND;
    return NULL;
}

void *dlopen(const char *file, int mode)
{
    (void)file;
    (void)mode;
    return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    (void)handle;
    (void)name;
    return NULL;
}

int dlclose(void *handle)
{
    (void)handle;
    return -1;
}

char *dlerror(void)
{
    static char text[] = "this program loads no shared libraries";

    return text;
}
