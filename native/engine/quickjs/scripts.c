#include "engine/quickjs/scripts.h"

/* Of each function, in the order of the constants, the bytes of a script begin with these words: the place of its text
 * in the source, its size, how many of its constants are long strings that the source has as they are, and of each of
 * these its index, place and size. Then comes what JS_WriteObject writes, without texts and such strings. */
enum { DCP_NOWHERE = 0xFFFFFFFFu, DCP_LONG_STRING = 64 << 10, DCP_FIRST_CHARACTERS = 64 };

typedef struct {
  const char* start;
  const char* end;
} DcpText;

/* A source, and how much more work may be spent on looking for parts of it: code that was made to be hard to find its
 * parts in takes no longer, but keeps copies of them. */
typedef struct {
  DcpText text;
  uint64_t work;
} DcpSource;

static DcpSource dcp_source(const char* source, size_t size) {
  return (DcpSource){{source, source + size}, (uint64_t)size * 32 + (1 << 20)};
}

static JSFunctionBytecode* dcp_function(JSValueConst value) {
  return JS_VALUE_GET_TAG(value) == JS_TAG_FUNCTION_BYTECODE ? JS_VALUE_GET_PTR(value) : NULL;
}

static bool dcp_is_within(const char* at, DcpText text) { return at >= text.start && at < text.end; }

static bool dcp_may_spend(DcpSource* source, uint64_t work) {
  if (source->work < work) source->work = 0;
  else source->work -= work;
  return source->work != 0;
}

/* Any place with these bytes will do. */
static const char* dcp_find(DcpSource* source, DcpText in, const char* bytes, size_t size) {
  const size_t first = min_int(size, DCP_FIRST_CHARACTERS);
  const char* from = in.start;
  const char* at;
  if (size == 0 || source->work == 0) return NULL;
  for (; (at = memmem(from, in.end - from, bytes, first)) != NULL; from = at + 1) {
    if ((size_t)(in.end - at) < size) return NULL;
    if (memcmp(at, bytes, size) == 0) return at;
    if (!dcp_may_spend(source, at - from + size)) return NULL;
  }
  (void)dcp_may_spend(source, in.end - from);
  return NULL;
}

/* Finds a function's text, mostly behind `last` or around it, as a class stands around its methods. */
static const char* dcp_find_near(DcpSource* source, DcpText in, const char* last, const char* bytes, size_t size) {
  const char* from = (size_t)(last - in.start) > size ? last - size : in.start;
  const char* found = dcp_find(source, (DcpText){from, in.end}, bytes, size);
  return found != NULL || from == in.start ? found : dcp_find(source, in, bytes, size);
}

/* Functions stand inside of their parent, in the order of its constants. Returns where this one does. */
static const char* dcp_borrow_function(JSContext* context, DcpSource* source, JSFunctionBytecode* b, DcpText parent,
                                       const char* sibling) {
  const char* found = NULL;
  const char* last;
  DcpText own = parent;
  int i;
  if (b->source != NULL) found = dcp_find_near(source, parent, sibling, b->source, b->source_len);
  if (found != NULL) {
    js_free(context, b->source);
    b->source = (char*)found;
    own = (DcpText){found, found + b->source_len};
  }
  last = own.start;
  for (i = 0; i < b->cpool_count; i++) {
    JSFunctionBytecode* child = dcp_function(b->cpool[i]);
    if (child != NULL) last = dcp_borrow_function(context, source, child, own, last);
  }
  return found != NULL ? found : sibling;
}

void dcp_script_borrow(JSContext* context, JSValueConst script, const char* source, size_t size) {
  DcpSource found = dcp_source(source, size);
  JSFunctionBytecode* b = dcp_function(script);
  if (b != NULL) dcp_borrow_function(context, &found, b, found.text, source);
}

static void dcp_return_function(JSFunctionBytecode* b, DcpText text) {
  int i;
  if (b->source != NULL && dcp_is_within(b->source, text)) {
    b->source = NULL;
    b->source_len = 0;
  }
  for (i = 0; i < b->cpool_count; i++) {
    JSFunctionBytecode* child = dcp_function(b->cpool[i]);
    if (child != NULL) dcp_return_function(child, text);
  }
}

void dcp_script_return(JSContext* context, JSValueConst script, const char* source, size_t size) {
  JSFunctionBytecode* b = dcp_function(script);
  (void)context;
  if (b != NULL) dcp_return_function(b, (DcpText){source, source + size});
}

static JSString* dcp_long_string(JSValueConst value) {
  JSString* string;
  if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING) return NULL;
  string = JS_VALUE_GET_STRING(value);
  return string->len > DCP_LONG_STRING && !string->is_wide_char && string->kind == JS_STRING_KIND_NORMAL ? string : NULL;
}

typedef struct {
  DcpSource source;
  DynBuf words;
  DynBuf strings; /* where in the constants those are that the source has, as JSValue pointers */
} DcpWriter;

/* Writes the places of a function and of those in it. False when one cannot be written so. */
static bool dcp_write_places(DcpWriter* writer, JSFunctionBytecode* b, DcpText own) {
  const size_t strings = writer->strings.size;
  const size_t count_at = writer->words.size + 8;
  const char* last;
  int i;
  if (b->source != NULL) {
    if (!dcp_is_within(b->source, writer->source.text)) return false;
    own = (DcpText){b->source, b->source + b->source_len};
  }
  dbuf_put_u32(&writer->words, b->source == NULL ? DCP_NOWHERE : (uint32_t)(own.start - writer->source.text.start));
  dbuf_put_u32(&writer->words, b->source == NULL ? 0 : b->source_len);
  dbuf_put_u32(&writer->words, 0);
  last = own.start;
  for (i = 0; i < b->cpool_count; i++) {
    JSString* string = dcp_long_string(b->cpool[i]);
    const char* found = string == NULL ? NULL : dcp_find(&writer->source, (DcpText){last, own.end}, (const char*)str8(string), string->len);
    JSValue* slot = &b->cpool[i];
    if (found == NULL) continue;
    last = found;
    dbuf_put_u32(&writer->words, i);
    dbuf_put_u32(&writer->words, (uint32_t)(found - writer->source.text.start));
    dbuf_put_u32(&writer->words, string->len);
    dbuf_put(&writer->strings, (const uint8_t*)&slot, sizeof slot);
  }
  if (dbuf_error(&writer->words) || dbuf_error(&writer->strings)) return false;
  put_u32(writer->words.buf + count_at, (writer->strings.size - strings) / sizeof(JSValue*));
  for (i = 0; i < b->cpool_count; i++) {
    JSFunctionBytecode* child = dcp_function(b->cpool[i]);
    if (child != NULL && !dcp_write_places(writer, child, own)) return false;
  }
  return true;
}

/* What JS_WriteObject writes when the strings that the source has are not there. */
static uint8_t* dcp_write_rest(JSContext* context, size_t* size, JSFunctionBytecode* b, const DynBuf* strings) {
  const size_t count = strings->size / sizeof(JSValue*);
  JSValue** slots = (JSValue**)strings->buf;
  JSValue* kept = js_malloc(context, (count + 1) * sizeof(JSValue));
  uint8_t* written;
  size_t i;
  if (kept == NULL) return NULL;
  for (i = 0; i < count; i++) {
    kept[i] = *slots[i];
    *slots[i] = JS_NULL;
  }
  written = JS_WriteObject(context, size, JS_MKPTR(JS_TAG_FUNCTION_BYTECODE, b),
                           JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
  for (i = 0; i < count; i++) *slots[i] = kept[i];
  js_free(context, kept);
  return written;
}

uint8_t* dcp_script_write(JSContext* context, size_t* bytes_size, JSValueConst script, const char* source, size_t size) {
  JSFunctionBytecode* b = dcp_function(script);
  DcpWriter writer = {dcp_source(source, size)};
  uint8_t* rest = NULL;
  size_t rest_size = 0;
  if (b == NULL || size >= DCP_NOWHERE) return NULL;
  js_dbuf_init(context, &writer.words);
  js_dbuf_init(context, &writer.strings);
  dbuf_put_u32(&writer.words, 0);
  if (dcp_write_places(&writer, b, writer.source.text)) rest = dcp_write_rest(context, &rest_size, b, &writer.strings);
  dbuf_free(&writer.strings);
  if (rest != NULL) {
    put_u32(writer.words.buf, writer.words.size);
    dbuf_put(&writer.words, rest, rest_size);
    js_free(context, rest);
  }
  if (rest == NULL || dbuf_error(&writer.words)) {
    JS_FreeValue(context, JS_GetException(context));
    dbuf_free(&writer.words);
    return NULL;
  }
  *bytes_size = writer.words.size;
  return writer.words.buf;
}

typedef struct {
  JSContext* context;
  DcpText text;
  const uint8_t* at;
  const uint8_t* end;
} DcpReader;

static bool dcp_next_word(DcpReader* reader, uint32_t* word) {
  if (reader->end - reader->at < 4) return false;
  *word = get_u32(reader->at);
  reader->at += 4;
  return true;
}

/* A place and a size; NULL where they do not lie in the source. */
static const char* dcp_next_place(DcpReader* reader, uint32_t* size) {
  const size_t all = reader->text.end - reader->text.start;
  uint32_t place;
  if (!dcp_next_word(reader, &place) || !dcp_next_word(reader, size)) return NULL;
  return place <= all && *size <= all - place ? reader->text.start + place : NULL;
}

static bool dcp_read_string(DcpReader* reader, JSFunctionBytecode* b) {
  uint32_t index, size;
  const char* found;
  JSString* string;
  if (!dcp_next_word(reader, &index) || (found = dcp_next_place(reader, &size)) == NULL) return false;
  if (index >= (uint32_t)b->cpool_count || !JS_IsNull(b->cpool[index]) || size > JS_STRING_LEN_MAX) return false;
  string = js_alloc_string(reader->context, size, 0);
  if (string == NULL) return false;
  memcpy(str8(string), found, size);
  str8(string)[size] = '\0';
  b->cpool[index] = JS_MKPTR(JS_TAG_STRING, string);
  return true;
}

/* JS_ReadObject leaves the length of a tagged template's arrays writable. */
static void dcp_seal_template(JSContext* context, JSValueConst strings) {
  JSValue raw = JS_GetProperty(context, strings, JS_ATOM_raw);
  if (JS_IsObject(raw)) seal_template_obj(context, raw);
  JS_FreeValue(context, raw);
  seal_template_obj(context, strings);
}

static bool dcp_read_places(DcpReader* reader, JSFunctionBytecode* b) {
  uint32_t size, count;
  int i;
  if (reader->end - reader->at >= 4 && get_u32(reader->at) == DCP_NOWHERE) {
    reader->at += 8;
  } else {
    b->source = (char*)dcp_next_place(reader, &size);
    if (b->source == NULL) return false;
    b->source_len = size;
  }
  if (!dcp_next_word(reader, &count)) return false;
  for (; count > 0; count--) {
    if (!dcp_read_string(reader, b)) return false;
  }
  for (i = 0; i < b->cpool_count; i++) {
    JSFunctionBytecode* child = dcp_function(b->cpool[i]);
    if (child != NULL && !dcp_read_places(reader, child)) return false;
    if (JS_IsArray(b->cpool[i])) dcp_seal_template(reader->context, b->cpool[i]);
  }
  return true;
}

JSValue dcp_script_read(JSContext* context, const uint8_t* bytes, size_t bytes_size, const char* source, size_t size) {
  DcpReader reader = {context, {source, source + size}, bytes, bytes + bytes_size};
  uint32_t words_size;
  JSValue script;
  if (!dcp_next_word(&reader, &words_size) || words_size > bytes_size || words_size < 4) return JS_UNDEFINED;
  reader.end = bytes + words_size;
  script = JS_ReadObject(context, reader.end, bytes_size - words_size, JS_READ_OBJ_BYTECODE);
  if (dcp_function(script) != NULL) {
    if (dcp_read_places(&reader, dcp_function(script)) && reader.at == reader.end) return script;
    dcp_script_return(context, script, source, size);
    JS_FreeValue(context, script);
  }
  JS_FreeValue(context, JS_GetException(context));
  return JS_UNDEFINED;
}
