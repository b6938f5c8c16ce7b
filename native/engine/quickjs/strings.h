/* What quickjs.h does not offer of strings. The definitions are compiled at the end of quickjs.c, whose types they use.
 */
#ifndef DCP_QUICKJS_STRINGS_H
#define DCP_QUICKJS_STRINGS_H

#include <stddef.h>
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

/* Calls `take` for one stretch of code units after the other, as long as it returns other than 0; returns its last. */
typedef int DcpTakeUnits(void* opaque, const void* units, uint32_t length, int is_wide);
int dcp_string_stretches(JSValueConst string, DcpTakeUnits* take, void* opaque);

/* A string from pieces of UTF-8. NULL, or negative: an exception is pending. */
typedef struct DcpBuilder DcpBuilder;
DcpBuilder* dcp_builder_new(JSContext* context);
int dcp_builder_add(DcpBuilder* builder, const char* bytes, size_t size);
/* Gives the string and frees the builder. */
JSValue dcp_builder_end(DcpBuilder* builder);
void dcp_builder_free(DcpBuilder* builder);

#ifdef __cplusplus
}
#endif

#endif
