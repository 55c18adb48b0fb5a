#include "verify/scheme.h"

#include "base/clock.h"

const struct scheme scheme_table[] = {
    {
        .name = "t4g",
        .header = "x-t4g-signature",
        .syntax = SYNTAX_PREFIX,
        .prefix = {"sha256="},
        .content = "{body}",
        .digest = ENCODING_HEX,
        .key = ENCODING_TEXT, /* 128 hex digits, which are the key themselves: not 64 bytes */
        .api_key_header = "x-api-key",
        .id_field = "id",
        .type_field = "event_type",
        .stamp_field = "timestamp",
        .media_type = {"application/json"},
        .typed = true,
    },
    {
        .name = "airtable",
        .header = "x-airtable-content-mac",
        .syntax = SYNTAX_PREFIX,
        .prefix = {"hmac-sha256=", "sha256="}, /* Airtable's own; that of older simulators */
        .content = "{body}",
        .digest = ENCODING_HEX,
        .key = ENCODING_HEX64_OR_NAMED,
        .id_field = "webhook.id",
        .also_field = "base.id",
        .stamp_field = "timestamp",
        .media_type = {"application/json"},
        .owner_prefix = "ach",
        .record_unknown = true,
        .ping = true,
    },
    {
        .name = "standard-webhooks",
        .header = "webhook-signature",
        .syntax = SYNTAX_LIST,
        .prefix = {"v1"}, /* v1a is Ed25519, for which no row has a key */
        .content = "{id}.{time}.{body}",
        .digest = ENCODING_BASE64,
        .key = ENCODING_WHSEC,
        .time_header = "webhook-timestamp",
        .tolerance_us = 300 * US_PER_S,
        .id_header = "webhook-id",
        .type_field = "type",
        .media_type = {"application/json"},
        .record_unknown = true,
    },
    {
        .name = "github",
        .header = "x-hub-signature-256",
        .syntax = SYNTAX_PREFIX,
        .prefix = {"sha256="},
        .content = "{body}", /* the two headers below are not signed */
        .digest = ENCODING_HEX,
        .key = ENCODING_TEXT,
        .id_header = "x-github-delivery",
        .type_header = "x-github-event",
        .media_type = {"application/json"},
        .record_unknown = true,
    },
    {
        .name = "stripe",
        .header = "stripe-signature",
        .syntax = SYNTAX_FIELDS,
        .prefix = {"v1"},
        .content = "{time}.{body}",
        .digest = ENCODING_HEX,
        .key = ENCODING_TEXT, /* whsec_ included: unlike standard-webhooks nothing is decoded */
        .tolerance_us = 300 * US_PER_S,
        .id_field = "id",
        .type_field = "type",
        .media_type = {"application/json"},
        .record_unknown = true,
    },
};

const size_t scheme_count = sizeof scheme_table / sizeof scheme_table[0];

const struct scheme *scheme_find(const char *name)
{
    for (size_t i = 0; i < scheme_count; i++)
        if (strcmp(scheme_table[i].name, name) == 0)
            return &scheme_table[i];
    return NULL;
}

size_t scheme_content(const struct scheme *s, struct slice id, struct slice time, struct slice body,
                      struct slice part[static SCHEME_PARTS_MAX])
{
    const struct {
        const char *name;
        struct slice value;
    } filled[] = {{"{body}", body}, {"{id}", id}, {"{time}", time}};
    struct slice rest = slice_of(s->content);
    size_t n = 0;

    while (rest.n > 0 && n < SCHEME_PARTS_MAX) {
        size_t literal = 0, i = 0;
        while (literal < rest.n && rest.p[literal] != '{')
            literal++;
        if (literal > 0) {
            part[n++] = (struct slice){rest.p, literal};
            rest = slice_from(rest, literal);
            continue;
        }
        while (i < sizeof filled / sizeof filled[0] && !slice_begins(rest, filled[i].name))
            i++;
        if (i == sizeof filled / sizeof filled[0])
            return 0;
        part[n++] = filled[i].value;
        rest = slice_from(rest, strlen(filled[i].name));
    }
    return rest.n == 0 ? n : 0;
}
