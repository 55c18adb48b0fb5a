/* guichet.fcgi: start-up in a fixed order, each step fatal with a reason. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgi.h"
#include "listener.h"
#include "program.h"
#include "server.h"

struct options {
    const char *config;
    const char *socket;
    bool check;
};

static const char USAGE[] =
    "usage: guichet.fcgi [--config FILE] [--socket PATH]\n"
    "       guichet.fcgi [--config FILE] --check\n"
    "       guichet.fcgi --version | --help\n"
    "\n"
    "Receives signed webhooks behind a web server. It serves FastCGI on a listening socket that "
    "it\n"
    "finds on descriptor 0 (lighttpd, mod_fcgid, spawn-fcgi) or that systemd passes, or on the "
    "unix\n"
    "socket PATH; started by a web server as a CGI program it answers one request.\n"
    "\n"
    "  --config FILE  the configuration; else $GUICHET_CONFIG, guichet.conf beside the program,\n"
    "                 /etc/guichet/guichet.conf, or the environment alone\n"
    "  --socket PATH  listen on this unix socket, mode 0660\n"
    "  --check        say what it would run with, secrets masked, and end: 0 if it would start\n"
    "\n"
    "Signals: TERM, INT, USR1 end after the requests in hand; HUP takes a changed configuration.\n";

/* Descriptors 0 to 2 exist, so that no file opened later is taken for one of them. */
static void hold_standard_descriptors(void)
{
    struct stat st;

    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &st) != 0 && open("/dev/null", O_RDWR) != fd)
            _exit(EXIT_FAILURE);
}

/* A core file would hold secrets and bodies. A limit of one byte, not of none, is also heeded where the
 * core goes to a program (core(5)). */
static void leave_no_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
        limit.rlim_cur = 1;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

/* Returns -1 to go on, else the exit status. */
static int read_options(int argc, char *argv[], struct options *out)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'k'},        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int o;

    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (o) {
        case 'c':
            out->config = optarg;
            break;
        case 's':
            out->socket = optarg;
            break;
        case 'k':
            out->check = true;
            break;
        case 'v':
            puts("guichet " GUICHET_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(USAGE, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "guichet.fcgi: what is \"%s\"?\n%s", argv[optind], USAGE);
        return 2;
    }
    return -1;
}

static void print_line(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

/* --check: the settings, and whether a receiver can be made of them; the store is not contacted. */
static int check(struct program *p, const char *config_file)
{
    struct fail why = {""};
    struct receiver *r = NULL;

    if (program_open(p, config_file, PROGRAM_CHECK, &why) == 0) {
        config_print(p->config, print_line, NULL);
        for (size_t i = 0; i < p->config->nnotices; i++)
            printf("note: %s\n", p->config->notice[i]);
        r = program_receiver(p, &why);
    }
    if (r == NULL)
        fprintf(stderr, "guichet.fcgi: %s\n", why.text);
    receiver_free(r);
    return r != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve_cgi(struct program *p)
{
    struct fail why;
    struct receiver *r = program_receiver(p, &why);
    int status;

    if (r == NULL) {
        log_say(p->log, LOG_LEVEL_ERROR, "cannot start: %s", why.text);
        cgi_fail();
        return EXIT_FAILURE;
    }
    status = cgi_serve(&p->service, r);
    receiver_free(r);
    return status;
}

static void say_notices(const struct program *p)
{
    for (size_t i = 0; i < p->config->nnotices; i++)
        log_say(p->log, p->config->notice_is_error[i] ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "%s",
                p->config->notice[i]);
}

int main(int argc, char *argv[])
{
    static struct program program;
    struct options options = {NULL, NULL, false};
    struct listener listener = {.fd = -1};
    struct fail why = {""};
    int status, found;
    bool cgi = false;

    hold_standard_descriptors();
    leave_no_core();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a store, spool or log at the host's limit is a failed write */
    umask(027); /* whatever was inherited: modes of files that are made are ours to decide */
    program_locate(&program);
    found = listener_find(NULL, &listener, &why);
    /* A CGI program's arguments come from the query string (RFC 3875 section 4.4): not read. */
    cgi = found == 0 && cgi_started();
    status = cgi ? -1 : read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (!cgi && !options.check)
        server_block_signals(NULL);
    if (options.check) {
        status = check(&program, options.config);
        goto done;
    }
    if (found == 0 && !cgi)
        found = listener_find(options.socket, &listener, &why);
    if (found < 0) {
        fprintf(stderr, "guichet.fcgi: %s\n", why.text);
        status = EXIT_FAILURE;
        goto done;
    }
    if (found == 0 && !cgi) {
        fprintf(stderr, "guichet.fcgi: no listening socket was handed over; give --socket PATH\n%s",
                USAGE);
        status = 2;
        goto done;
    }
    if (program_open(&program, options.config, PROGRAM_SERVE, &why) != 0) {
        log_say(program.log, LOG_LEVEL_ERROR, "cannot start: %s", why.text);
        if (cgi)
            cgi_fail();
        status = EXIT_FAILURE;
        goto done;
    }
    if (cgi) {
        status = serve_cgi(&program);
        goto done;
    }
    say_notices(&program);
    status = server_run(&program, &listener, options.config, argv);

done:
    listener_close(&listener);
    program_close(&program);
    return status;
}
