/* What quickjs.h does not offer of strings. The definitions are compiled at the end of quickjs.c, whose types they use.
 */
#ifndef DCP_QUICKJS_STRINGS_H
#define DCP_QUICKJS_STRINGS_H

#include <stdint.h>

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each takes strings only, and owns none of its arguments. */
uint32_t dcp_string_length(JSValueConst string);
/* The code units, of one byte each or, if *is_wide, of two. They are the string's own. NULL: an exception is pending.
 */
const void* dcp_string_units(JSContext* context, JSValueConst string, int* is_wide);
JSValue dcp_string_of_units(JSContext* context, const uint16_t* units, uint32_t length);
JSValue dcp_string_concat(JSContext* context, JSValueConst first, JSValueConst second);
/* start <= end <= length */
JSValue dcp_string_slice(JSContext* context, JSValueConst string, uint32_t start, uint32_t end);

#ifdef __cplusplus
}
#endif

#endif
