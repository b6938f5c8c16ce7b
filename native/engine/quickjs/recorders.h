/* What recorder_support.hpp says, as C that reads objects without running any code. The definitions are compiled at the
   end of quickjs.c, whose types they use. */
#ifndef DCP_QUICKJS_RECORDERS_H
#define DCP_QUICKJS_RECORDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The `kind` of a field, in the order of the names in quickjs_recorders.cpp. */
enum dcp_field_kind {
  DCP_U32,        /* an integer below 2^32: a word */
  DCP_I32,        /* an integer of 32 bits: a word */
  DCP_U64,        /* an integer below 2^53: two words */
  DCP_FALSE,      /* false: 0 */
  DCP_STRING,     /* a short one of ASCII: its length, and its bytes in words */
  DCP_OBJECT,     /* of the class of `example`: the id of its state */
  DCP_OTHER,      /* an object of the class of `example`: nothing is recorded */
  DCP_SEQUENCE,   /* an array: its length, and its items, each of the first of `inner` */
  DCP_DICTIONARY, /* an object: its members, which are `inner`, by `name` */
  DCP_UNION,      /* one of `inner`, tried in this order, a dictionary at last: which, and its value */
};

/* What undefined is recorded as. */
enum dcp_absent {
  DCP_REFUSED,
  DCP_INSTEAD, /* `instead`: one word, two for DCP_U64 */
  DCP_MARKED,  /* a word 0; a value has a word 1 before it */
};

struct dcp_field {
  enum dcp_field_kind kind;
  enum dcp_absent absent;
  int32_t instead;
  bool nullable; /* null is recorded as 0, as undefined is */
  bool kept;     /* its value is an argument of `made` */
  JSAtom name;
  JSAtom brand; /* the private name of the class of `example` */
  uint32_t tag; /* in a union */
  const struct dcp_field* inner;
  uint32_t count;
};

struct dcp_recorder {
  JSAtom brand, id, device, gone, open;
  bool has_open;
  bool makes;
  uint32_t header;
  const struct dcp_field* fields;
  uint32_t count;
};

enum { DCP_MOST_KEPT = 4 };

/* A record that has been written. The values are borrowed from the arguments. */
struct dcp_record {
  uint32_t words;
  JSValueConst device;
  JSValueConst kept[DCP_MOST_KEPT];
  int kept_count;
};

/* The name of the private field that holds null; JS_ATOM_NULL where there is none. */
JSAtom dcp_private_name(JSContext* context, JSValueConst example);
/* Writes a call to `words`, of which `room` are free, at least one; `id` is that of the object it makes. False: it is
   not to be recorded, and what lies in `words` has no meaning. */
bool dcp_record_call(JSContext* context, const struct dcp_recorder* recorder, JSValueConst self, int argc,
                     JSValueConst* argv, uint32_t* words, uint32_t room, uint32_t id, struct dcp_record* record);

#ifdef __cplusplus
}
#endif

#endif
