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

/* A rope is not deep: the engine balances it. */
int dcp_string_stretches(JSValueConst string, DcpTakeUnits* take, void* opaque) {
  JSString* flat;
  if (JS_VALUE_GET_TAG(string) == JS_TAG_STRING_ROPE) {
    const JSStringRope* rope = JS_VALUE_GET_STRING_ROPE(string);
    return dcp_string_stretches(rope->left, take, opaque) ? dcp_string_stretches(rope->right, take, opaque) : 0;
  }
  flat = JS_VALUE_GET_STRING(string);
  return flat->len == 0 || take(opaque, strv(flat), flat->len, flat->is_wide_char);
}

/* The bytes of the UTF-8 as characters, which they are as long as all are ASCII. */
struct DcpBuilder {
  StringBuffer bytes;
  bool is_ascii;
};

DcpBuilder* dcp_builder_new(JSContext* context) {
  DcpBuilder* builder = js_malloc(context, sizeof *builder);
  if (builder == NULL) return NULL;
  builder->is_ascii = true;
  if (string_buffer_init(context, &builder->bytes, 0) == 0) return builder;
  js_free(context, builder);
  return NULL;
}

static bool dcp_is_ascii(const char* bytes, size_t size) {
  uint64_t all = 0, word;
  for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
    memcpy(&word, bytes, sizeof word);
    all |= word;
  }
  for (; size > 0; size--) all |= (uint8_t)*bytes++;
  return (all & 0x8080808080808080u) == 0;
}

int dcp_builder_add(DcpBuilder* builder, const char* bytes, size_t size) {
  if (size > JS_STRING_LEN_MAX) {
    JS_ThrowRangeError(builder->bytes.ctx, "invalid string length");
    return -1;
  }
  builder->is_ascii = builder->is_ascii && dcp_is_ascii(bytes, size);
  return string_buffer_write8(&builder->bytes, (const uint8_t*)bytes, (int)size);
}

JSValue dcp_builder_end(DcpBuilder* builder) {
  JSContext* context = builder->bytes.ctx;
  const bool is_ascii = builder->is_ascii;
  JSValue bytes = string_buffer_end(&builder->bytes);
  JSValue string;
  js_free(context, builder);
  if (is_ascii || JS_IsException(bytes)) return bytes;
  string = JS_NewStringLen(context, (const char*)str8(JS_VALUE_GET_STRING(bytes)), JS_VALUE_GET_STRING(bytes)->len);
  JS_FreeValue(context, bytes);
  return string;
}

void dcp_builder_free(DcpBuilder* builder) {
  JSContext* context = builder->bytes.ctx;
  string_buffer_free(&builder->bytes);
  js_free(context, builder);
}
