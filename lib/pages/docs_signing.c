#include "pages/docs_parts.h"

#include "pages/html.h"
#include "pages/wording.h"

/* C11 promises 4095 bytes of a literal; every compiler that serves takes more. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "senders.h"
#pragma GCC diagnostic pop

static const struct {
    const char *id, *language, *code, *program, *remark;
} sender[] = {
    {"shell", "Shell", sender_shell, program_shell, "$body is the file that holds the body."},
    {"node", "Node", sender_node, program_node, "axios is a package of npm; body is a Buffer."},
    {"python", "Python", sender_python, program_python, "body is of type bytes."},
    {"php", "PHP", sender_php, program_php, "$body is a string."},
    {"rust", "Rust", sender_rust, program_rust,
     "sha256() is SHA-256 of any crate, BLOCK is 64; the hmac crate does as well. body is a "
     "Vec<u8>, post() any HTTP client."},
};

bool docs_has_signing(const struct config *c)
{
    return docs_sender(c) != NULL;
}

void docs_signing(const struct config *c, struct buf *out)
{
    const struct config_provider *p = docs_sender(c);
    struct buf base = BUF_INIT(2048);

    if (p == NULL)
        return;
    wording_base(c, &base);
    buf_adds(out,
             "<h2 id=\"signing\">Signing</h2>\n<p>What goes wrong most often: the body is "
             "serialised twice, once to be signed and once to be sent. <b>Make the bytes, "
             "sign the bytes, send the same bytes.</b> White space, other alphabets, the order "
             "of the fields: all of it verifies, as long as the bytes are the same.</p>\n");
    html_put(out,
             "<p>In all that follows the address is <code>$$</code>; it, the key and the secret "
             "come from the environment. Each program is shown whole below its part that "
             "matters.</p>\n",
             base.p != NULL ? base.p : "", p->path);
    for (size_t i = 0; i < sizeof sender / sizeof sender[0]; i++) {
        html_put(out,
                 "<h3 id=\"signing-$\">$</h3>\n<p class=\"soft\">$</p>\n<pre tabindex=\"0\" "
                 "aria-label=\"Signing in $\"><code>$</code></pre>\n",
                 sender[i].id, sender[i].language, sender[i].remark, sender[i].language,
                 sender[i].code);
        html_put(out,
                 "<details><summary>The whole program<span class=\"sr\"> in $</span></summary><pre "
                 "tabindex=\"0\" aria-label=\"The whole program in $\"><code id=\"program-$\">$"
                 "</code></pre></details>\n",
                 sender[i].language, sender[i].language, sender[i].id, sender[i].program);
    }
    buf_free(&base);
}
