#include "events/table.h"

#define ROW(type_name, handler, ...) {.name = type_name, .handle = handler, .field = __VA_ARGS__},
static const struct event_type types[] = {EVENT_TYPES(ROW)};
#undef ROW

#define ROW(type_name, ...) type_name,
const char *const event_type_names[] = {EVENT_TYPES(ROW)};
#undef ROW

const size_t event_type_count = sizeof event_type_names / sizeof event_type_names[0];

const struct event_type *table_find(struct slice name)
{
    for (size_t i = 0; i < event_type_count; i++)
        if (slice_is(name, types[i].name))
            return &types[i];
    return NULL;
}

bool table_is_base_field(struct slice name)
{
    static const char *const base[] = {"id", "timestamp", "source", "event_type"};

    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++)
        if (slice_is(name, base[i]))
            return true;
    return false;
}

struct slice facts_value(const struct facts *f, const char *name)
{
    for (size_t i = 0; i < FIELDS_MAX && f->type->field[i].kind != FIELD_END; i++)
        if (strcmp(f->type->field[i].name, name) == 0)
            return f->value[i];
    return SLICE_NONE;
}
