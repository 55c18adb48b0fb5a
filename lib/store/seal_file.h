/* seal_file: an export of a provider's audit and its seals, to be checked where no store is.
 *
 * Lines of JSON: {"audit_export":"1","provider":"dazno"}, then a line for each seal and each entry,
 * whose first member is the list and the id, as in {"audit":"1760524200000-0","outcome":...}, and the
 * others the fields. */
#ifndef GUICHET_STORE_SEAL_FILE_H
#define GUICHET_STORE_SEAL_FILE_H

#include <stdio.h>
#include "store/seal_check.h"

bool seal_file_begin(FILE *to, const char *provider);
bool seal_file_write(FILE *to, enum journal_list list, const struct journal_entry *e);

struct seal_file;

/* Reads an export whole. Entries that stand behind a newer one are told in *out and put in order.
 * NULL, why, when it is not an export, or not whole. */
struct seal_file *seal_file_read(FILE *from, struct seal_report *out, struct fail *why);
void seal_file_free(struct seal_file *f);
const char *seal_file_provider(const struct seal_file *f);

/* For a seal_source; ctx is a struct seal_file. */
bool seal_file_source(void *ctx, enum journal_list list, const struct journal_range *range,
                      struct journal_page *out, struct fail *why);

#endif
