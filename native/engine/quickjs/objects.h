/* What objects are. The definitions are compiled at the end of quickjs.c, whose types they use. */
#ifndef DCP_QUICKJS_OBJECTS_H
#define DCP_QUICKJS_OBJECTS_H

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In the order of engine::ObjectKind. */
enum dcp_object_kind {
  DCP_PLAIN,
  DCP_ARRAY,
  DCP_BUFFER,
  DCP_DATE,
  DCP_ERROR,
  DCP_MAP,
  DCP_SET,
  DCP_BOXED,
  DCP_PROXY,
  DCP_OPAQUE,
};

enum dcp_object_kind dcp_object_kind(JSValueConst object);
/* A new reference to the value in an object of DCP_BOXED. */
JSValue dcp_unboxed(JSValueConst object);

#ifdef __cplusplus
}
#endif

#endif
