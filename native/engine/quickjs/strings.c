#include "engine/quickjs/strings.h"

uint32_t dcp_string_length(JSValueConst string) {
  if (JS_VALUE_GET_TAG(string) == JS_TAG_STRING_ROPE) return JS_VALUE_GET_STRING_ROPE(string)->len;
  return JS_VALUE_GET_STRING(string)->len;
}

/* A rope is made flat once: it keeps the flat string when others refer to it too, as the second reference here says. */
static JSString* flat_string(JSContext* context, JSValueConst string) {
  JSValue second, flat;
  if (JS_VALUE_GET_TAG(string) == JS_TAG_STRING) return JS_VALUE_GET_STRING(string);
  second = JS_DupValue(context, string);
  flat = js_linearize_string_rope(context, second);
  JS_FreeValue(context, second);
  if (JS_IsException(flat)) return NULL;
  JS_FreeValue(context, flat);
  return JS_VALUE_GET_STRING(flat);
}

const void* dcp_string_units(JSContext* context, JSValueConst string, int* is_wide) {
  JSString* flat = flat_string(context, string);
  if (flat == NULL) return NULL;
  *is_wide = flat->is_wide_char;
  return strv(flat);
}

JSValue dcp_string_of_units(JSContext* context, const uint16_t* units, uint32_t length) {
  JSString* made;
  uint32_t i;
  uint16_t all = 0;
  if (length == 0) return js_empty_string(context->rt);
  if (length > JS_STRING_LEN_MAX) return JS_ThrowRangeError(context, "invalid string length");
  for (i = 0; i < length; i++) all |= units[i];
  if (all > 0xFF) return js_new_string16_len(context, units, length);
  made = js_alloc_string(context, length, 0);
  if (made == NULL) return JS_EXCEPTION;
  for (i = 0; i < length; i++) str8(made)[i] = units[i];
  str8(made)[length] = '\0';
  return JS_MKPTR(JS_TAG_STRING, made);
}

JSValue dcp_string_concat(JSContext* context, JSValueConst first, JSValueConst second) {
  return JS_ConcatString(context, JS_DupValue(context, first), JS_DupValue(context, second));
}

JSValue dcp_string_slice(JSContext* context, JSValueConst string, uint32_t start, uint32_t end) {
  JSString* flat = flat_string(context, string);
  return flat == NULL ? JS_EXCEPTION : js_sub_string(context, flat, start, end);
}
