/* Compiled scripts whose functions have their texts in the script's source instead of in copies of their own, and such
 * scripts as bytes. The definitions are compiled at the end of quickjs.c, whose types they use.
 *
 * QuickJS copies the text of each function, that of a function inside of another one again. A script in which all is
 * wrapped in functions, as bundlers make them, takes several times its size, in memory and in bytes.
 */
#ifndef DCP_QUICKJS_SCRIPTS_H
#define DCP_QUICKJS_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A script is what JS_Eval gives with JS_EVAL_FLAG_COMPILE_ONLY. `source` is the text it was compiled from. */

/* Lets the functions use their texts in `source` instead of copies. Before the script is freed, or `source` is, call
 * dcp_script_return. */
void dcp_script_borrow(JSContext* context, JSValueConst script, const char* source, size_t size);
/* The functions have no text any more where they had it in `source`. */
void dcp_script_return(JSContext* context, JSValueConst script, const char* source, size_t size);

/* The script, without what `source` says, as bytes to be freed with js_free. The functions must have borrowed their
 * texts. NULL: it cannot be written; no exception is pending. */
uint8_t* dcp_script_write(JSContext* context, size_t* bytes_size, JSValueConst script, const char* source, size_t size);
/* The inverse, with texts borrowed from an equal `source`. The bytes are code: they must come from dcp_script_write of
 * this very build. JS_UNDEFINED: they do not fit; no exception is pending. */
JSValue dcp_script_read(JSContext* context, const uint8_t* bytes, size_t bytes_size, const char* source, size_t size);

#ifdef __cplusplus
}
#endif

#endif
