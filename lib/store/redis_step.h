/* redis_step: store/step.h on Redis; private to lib/store/redis*.c. */
#ifndef GUICHET_STORE_REDIS_STEP_H
#define GUICHET_STORE_REDIS_STEP_H

#include "store/step.h"

/* Of the set that gives a record its order: its key is the record's with this before the name. */
#define REDIS_ORDER "order:"

/* One script a step; replicas are not waited for: a replica that takes over knows the place from which to
 * go on just as long as what was done before it. */
extern const struct step_ops redis_step;

#endif
