"""Web servers as a site has them; what is measured behind them is included by the receivers."""

MODULES = "/usr/lib/apache2/modules"


def lighttpd(lab, folder, port, modules, lines):
    """What Debian's configuration has beside its own paths is left at lighttpd's defaults."""
    listed = ", ".join(f'"{m}"' for m in modules)
    return lab.write(f"{folder}/lighttpd.conf", "\n".join([
        f"server.modules = ( {listed} )",
        f'server.document-root = "{folder}/www"',
        'server.bind = "127.0.0.1"',
        f"server.port = {port}",
        f'server.errorlog = "{folder}/server.log"',
        f'server.breakagelog = "{folder}/stderr.log"',
        f'server.upload-dirs = ( "{folder}/run" )',
        *lines, ""]))


def apache(lab, folder, port, modules, lines):
    """The event MPM with the numbers of Debian's mpm_event.conf."""
    load = [f"LoadModule {m}_module {MODULES}/mod_{m}.so"
            for m in ["mpm_event", "authz_core", "alias", "env", "reqtimeout", *modules]]
    return lab.write(f"{folder}/apache.conf", "\n".join(load + [
        f'ServerRoot "{folder}"',
        "ServerName localhost",
        "Suexec Off",  # where the helper is installed, mod_fcgid would not start without root
        f"Listen 127.0.0.1:{port}",
        f'DocumentRoot "{folder}/www"',
        f'PidFile "{folder}/run/apache.pid"',
        f'DefaultRuntimeDir "{folder}/run"',
        f"Mutex file:{folder}/run default",
        f'ErrorLog "{folder}/server.log"',
        "StartServers 2",
        "MinSpareThreads 25",
        "MaxSpareThreads 75",
        "ThreadLimit 64",
        "ThreadsPerChild 25",
        "MaxRequestWorkers 150",
        "RequestReadTimeout header=20-40,minrate=500",
        "RequestReadTimeout body=10,minrate=500",
        "<Directory />",
        "    AllowOverride None",
        "    Require all denied",
        "</Directory>",
        *lines, ""]))
