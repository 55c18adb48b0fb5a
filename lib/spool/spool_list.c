#include "spool/spool_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"

#define KINDS      "emc"
#define ROOM_FIRST 64

void spool_item_name(const struct spool_item *i, char out[static SPOOL_NAME_ROOM])
{
    char provider[2 * SPOOL_TAG_BYTES + 1], key[2 * SPOOL_KEY_BYTES + 1];
    char body[2 * SPOOL_KEY_BYTES + 1];

    hex_encode(i->provider, sizeof i->provider, provider);
    hex_encode(i->key, sizeof i->key, key);
    hex_encode(i->body, sizeof i->body, body);
    (void)snprintf(out, SPOOL_NAME_ROOM,
                   "%016" PRIx64 "-%016" PRIx64 "-%08" PRIx32 "-%08" PRIx32 "-%c-%s-%s-%s",
                   i->number, (uint64_t)i->received_us, i->size, i->offset, KINDS[i->kind],
                   provider, key, body);
}

/* The hexadecimal number or bytes at *at, which moves behind them and the separator. */
static bool take(const char **at, size_t digits, char end, uint8_t *out)
{
    if (strlen(*at) < digits || (*at)[digits] != end ||
        hex_decode((struct slice){*at, digits}, out, digits / 2) != (ssize_t)(digits / 2))
        return false;
    *at += digits + (end != '\0');
    return true;
}

static uint64_t number_of(const uint8_t *bytes, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | bytes[i];
    return v;
}

bool spool_item_parse(const char *name, struct spool_item *out)
{
    uint8_t number[8], received[8], size[4], offset[4];
    const char *kind, *at = name;
    char again[SPOOL_NAME_ROOM];

    if (!take(&at, 16, '-', number) || !take(&at, 16, '-', received) || !take(&at, 8, '-', size) ||
        !take(&at, 8, '-', offset))
        return false;
    kind = *at != '\0' ? strchr(KINDS, *at) : NULL;
    if (kind == NULL || at[1] != '-')
        return false;
    at += 2;
    if (!take(&at, sizeof out->provider * 2, '-', out->provider) ||
        !take(&at, sizeof out->key * 2, '-', out->key) ||
        !take(&at, sizeof out->body * 2, '\0', out->body))
        return false;
    out->number = number_of(number, sizeof number);
    out->received_us = (int64_t)number_of(received, sizeof received);
    out->size = (uint32_t)number_of(size, sizeof size);
    out->offset = (uint32_t)number_of(offset, sizeof offset);
    out->kind = (enum spool_kind)(kind - KINDS);
    spool_item_name(out, again); /* upper-case digits would lead to another file */
    return strcmp(name, again) == 0;
}

bool spool_tag(struct slice provider, uint8_t out[static SPOOL_TAG_BYTES])
{
    uint8_t digest[SHA256_BYTES];

    if (!sha256(&provider, 1, digest))
        return false;
    memcpy(out, digest, SPOOL_TAG_BYTES);
    return true;
}

bool spool_list_push(struct spool_list *l, const struct spool_item *i)
{
    if (l->n == SPOOL_ENTRIES_MAX)
        return false;
    if (l->n == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : ROOM_FIRST;
        struct spool_item *item = realloc(l->item, room * sizeof *item);
        if (item == NULL)
            return false;
        l->item = item;
        l->room = room;
    }
    l->item[l->n++] = *i;
    l->bytes += i->size;
    return true;
}

void spool_list_free(struct spool_list *l)
{
    free(l->item);
    *l = (struct spool_list){0};
}

static int by_number(const void *left, const void *right)
{
    const struct spool_item *a = left, *b = right;

    return a->number != b->number
               ? (a->number < b->number ? -1 : 1)
               : (a->received_us > b->received_us) - (a->received_us < b->received_us);
}

bool spool_list_read(int dir_fd, bool sweep, struct spool_list *out)
{
    /* A descriptor of its own: threads must not share a place in the listing. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    bool ok = true;

    *out = (struct spool_list){0};
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (ok && (d = readdir(dir)) != NULL) {
        struct spool_item i;
        if (spool_item_parse(d->d_name, &i))
            ok = spool_list_push(out, &i);
        else if (sweep && strncmp(d->d_name, SPOOL_NEW_PREFIX, strlen(SPOOL_NEW_PREFIX)) == 0)
            (void)unlinkat(dir_fd, d->d_name, 0);
    }
    closedir(dir);
    if (!ok)
        spool_list_free(out);
    else if (out->n > 1)
        qsort(out->item, out->n, sizeof out->item[0], by_number);
    return ok;
}
