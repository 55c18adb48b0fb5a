#include "tool/finding.h"

/* A row a finding, in the order of the enum. */
const struct finding_row finding_table[FINDING_COUNT] = {
    [FINDING_UNREACHABLE] = {"unreachable", "fault",
                             "check the address, the name's DNS entry, the certificate, the web "
                             "server and the firewall"},
    [FINDING_NOT_MOUNTED] = {"not_mounted", "fault",
                             "include the shipped configuration in this very virtual host; under "
                             ".htaccess check that AllowOverride allows FileInfo and that no rule "
                             "above takes the path"},
    [FINDING_PREFIX] = {"prefix", "fault",
                        "set [server] base_path to what stands before /api and /webhooks in the "
                        "address; see that the program that runs has this configuration"},
    [FINDING_REDIRECTED] = {"redirected", "fault",
                            "give senders the address that it leads to: they follow no redirect, "
                            "or lose the body on the way"},
    [FINDING_DENIED] = {"denied", "fault",
                        "allow the path (Require all granted); for .htaccess the host must have "
                        "ExecCGI and FollowSymLinks or SymLinksIfOwnerMatch"},
    [FINDING_BACKEND] = {"backend", "fault",
                         "start guichet.fcgi; let the web server's user write to its socket (0660, "
                         "a common group) and pass through its folders; not below /tmp"},
    [FINDING_PROGRAM_FAILS] = {"program_fails", "fault",
                               "run guichet.fcgi --check as the user that it runs as, and read the "
                               "web server's error log; under .htaccess drop the line that the "
                               "log names"},
    [FINDING_DOWNLOAD] =
        {"download", "fault",
         "take the program out of the document root now; the host ignores "
         ".htaccess (AllowOverride None): use its cgi-bin, or ask it for FileInfo"},
    [FINDING_SERVED] = {"served", "fault",
                        "take the file out of the document root now, and change every secret that "
                        "it held or named"},
    [FINDING_PLAIN_HTTP] = {"plain_http", "fault",
                            "ask by https; behind a TLS terminator let it set X-Forwarded-Proto "
                            "and name its address in [server] trusted_proxies"},
    [FINDING_AUTHORIZATION] = {"authorization", "fault",
                               "add CGIPassAuth On, or in .htaccess: SetEnvIf Authorization "
                               "\"(.+)\" HTTP_AUTHORIZATION=$1; or send the token as x-api-key"},
    [FINDING_TOKEN] = {"token", "fault",
                       "see that the program that runs has this configuration and this token"},
    [FINDING_BODY_LIMIT] = {"body_limit", "fault",
                            "raise the web server's limit above max_body (mod_fcgid: "
                            "FcgidMaxRequestLen; nginx: client_max_body_size; lighttpd: "
                            "server.max-request-size), or lower [server] max_body to it"},
    [FINDING_BODY_EMPTIED] = {"body_emptied", "fault",
                              "take LimitRequestBody away from these paths: with mod_fcgid it "
                              "empties the body; max_body bounds it"},
    [FINDING_CHUNKED] = {"chunked", "fault",
                         "let the web server take in whole bodies (lighttpd: "
                         "server.stream-request-body = 0), or have senders give a Content-Length"},
    [FINDING_CHUNKED_CGI] = {"chunked_cgi", "note",
                             "have senders give a Content-Length; plain CGI cannot see whether a "
                             "body without one is whole"},
    [FINDING_UNDERSCORE] = {"underscore", "note",
                            "have nothing send X_Api_Key beside x-api-key: this web server merges "
                            "them, and what arrives twice is refused"},
    [FINDING_FEW_PROCESSES] = {"few_processes", "fault",
                               "allow more processes (mod_fcgid: MaxProcesses in FcgidCmdOptions, "
                               "FcgidMaxProcessesPerClass; a shared host: its entry processes), or "
                               "use a socket with several workers"},
    [FINDING_CLOCK] = {"clock", "fault",
                       "let both hosts keep time (chrony, systemd-timesyncd): signed times, "
                       "max_age and what is shown depend on it"},
    [FINDING_STORE] = {"store", "fault", "see that the store runs and lets this user in"},
    [FINDING_STORE_CLOSED] = {"store_closed", "fault",
                              "name the store to which it was copied in [server] store, or open "
                              "this one again (guichet store open)"},
    [FINDING_EVICTING] = {"evicting", "fault",
                          "set maxmemory-policy noeviction in Redis: ids that are evicted let "
                          "events in twice"},
    [FINDING_NOT_DURABLE] = {"not_durable", "fault",
                             "set it so (README, Install), or set [server] durability to what is "
                             "meant"},
    [FINDING_STATE_FOLDER] = {"state_folder", "fault",
                              "make the folder the program's user's own (chown, chmod 700), or set "
                              "[server] state_dir to another one"},
    [FINDING_PROGRAM_MODE] = {"program_mode", "fault",
                              "make program and folder one user's own, chmod 755 both, no symbolic "
                              "link, no set-user-ID: suEXEC refuses it otherwise"},
    [FINDING_SECRET_MODE] = {"secret_mode", "fault",
                             "chown it to the program's user or group, chmod 600 or 640"},
    [FINDING_SOCKET] = {"socket", "fault",
                        "put the web server's user into the socket's group, keep it 0660, and let "
                        "that user pass through the folders above (chmod +x)"},
    [FINDING_SOCKET_HIDDEN] = {"socket_hidden", "fault",
                               "put the socket below /run: the web server has a /tmp of its own "
                               "(PrivateTmp), or other files there than we see"},
    [FINDING_NOT_ACCEPTED] = {"not_accepted", "fault",
                              "see guichet.fcgi's log; on 401 the program that runs has other "
                              "secrets than this configuration"},
};
