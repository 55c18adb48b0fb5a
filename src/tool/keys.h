/* keys: the verbs around keys and signatures, each in a file of its name. */
#ifndef GUICHET_TOOL_KEYS_H
#define GUICHET_TOOL_KEYS_H

#include "tool/verb.h"

extern const struct verb verb_keygen, verb_secrets, verb_sign, verb_verify;

#endif
