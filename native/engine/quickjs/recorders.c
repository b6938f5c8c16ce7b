// Compiled at the end of quickjs.c, whose structs it needs. Nothing here allocates or runs code.
#include "engine/quickjs/recorders.h"

enum { MOST_CHARACTERS = 256 };

struct writer {
  JSContext* context;
  uint32_t *at, *end;
  struct dcp_record* record;
};

static bool put_word(struct writer* w, uint32_t word) {
  if (w->at == w->end) return false;
  *w->at++ = word;
  return true;
}

static bool put_words(struct writer* w, uint64_t value) {
  return put_word(w, (uint32_t)value) && put_word(w, (uint32_t)(value >> 32));
}

JSAtom dcp_private_name(JSContext* context, JSValueConst example) {
  if (JS_VALUE_GET_TAG(example) != JS_TAG_OBJECT) return JS_ATOM_NULL;
  const JSObject* object = JS_VALUE_GET_OBJ(example);
  const JSShapeProperty* properties = get_shape_prop(object->shape);
  for (int i = 0; i < object->shape->prop_count; i++) {
    const JSAtom name = properties[i].atom;
    if (name == JS_ATOM_NULL || JS_AtomGetKind(context, name) != JS_ATOM_KIND_PRIVATE) continue;
    if (JS_VALUE_GET_TAG(object->prop[i].u.value) == JS_TAG_NULL) return name;
  }
  return JS_ATOM_NULL;
}

/* An own property with a value, of objects that have nothing but what they show. */
static const JSValue* own_value(const JSObject* object, JSAtom name) {
  JSProperty* property;
  const JSShapeProperty* found = find_own_property(&property, (JSObject*)object, name);
  return found != NULL && (found->flags & JS_PROP_TMASK) == JS_PROP_NORMAL ? &property->u.value : NULL;
}

/* What object[name] gives; false where that could run code. */
static bool plain_value(const JSObject* object, JSAtom name, JSValueConst* value) {
  for (; object != NULL; object = object->shape->proto) {
    if (object->is_exotic && object->class_id != JS_CLASS_ARRAY) return false;
    JSProperty* property;
    const JSShapeProperty* found = find_own_property(&property, (JSObject*)object, name);
    if (found == NULL) continue;
    *value = property->u.value;
    return (found->flags & JS_PROP_TMASK) == JS_PROP_NORMAL;
  }
  *value = JS_UNDEFINED;
  return true;
}

static bool number_below(JSValueConst value, double limit, uint64_t* result) {
  if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
    *result = (uint64_t)JS_VALUE_GET_INT(value);
    return JS_VALUE_GET_INT(value) >= 0;
  }
  if (!JS_TAG_IS_FLOAT64(JS_VALUE_GET_TAG(value))) return false;
  const double number = JS_VALUE_GET_FLOAT64(value);
  if (!(number >= 0 && number < limit)) return false;
  *result = (uint64_t)number;
  return (double)*result == number;
}

/* The state of an object of the class with this private name. */
static const JSObject* state_of(JSValueConst value, JSAtom brand) {
  if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT) return NULL;
  const JSValue* state = own_value(JS_VALUE_GET_OBJ(value), brand);
  return state != NULL && JS_VALUE_GET_TAG(*state) == JS_TAG_OBJECT ? JS_VALUE_GET_OBJ(*state) : NULL;
}

static bool put_id(struct writer* w, const JSObject* state, JSAtom name) {
  const JSValue* id = own_value(state, name);
  uint64_t number;
  return id != NULL && number_below(*id, 0x1p32, &number) && put_word(w, (uint32_t)number);
}

static bool put_string(struct writer* w, JSValueConst value) {
  if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING) return false;
  JSString* string = JS_VALUE_GET_STRING(value);
  if (string->is_wide_char || string->len > MOST_CHARACTERS) return false;
  const uint32_t length = string->len, words = (length + 3) / 4;
  if ((uint32_t)(w->end - w->at) < 1 + words) return false;
  const uint8_t* units = str8(string);
  for (uint32_t i = 0; i < length; i++) {
    if (units[i] >= 0x80) return false;
  }
  *w->at++ = length;
  if (words > 0) w->at[words - 1] = 0;
  memcpy(w->at, units, length);
  w->at += words;
  return true;
}

/* The items of an array that for-of would read by index. */
static bool items_of(JSContext* context, JSValueConst value, JSValue** items, uint32_t* count) {
  JSValueConst method, next;
  if (!js_get_fast_array(context, (JSValue)value, items, count)) return false;
  JSObject* array = JS_VALUE_GET_OBJ(value);
  const JSValue* length = own_value(array, JS_ATOM_length);
  if (length == NULL || JS_VALUE_GET_TAG(*length) != JS_TAG_INT || (uint32_t)JS_VALUE_GET_INT(*length) != *count) {
    return false;
  }
  JSObject* iterator = JS_VALUE_GET_OBJ(context->class_proto[JS_CLASS_ARRAY_ITERATOR]);
  if (!plain_value(array, JS_ATOM_Symbol_iterator, &method) || !plain_value(iterator, JS_ATOM_next, &next))
    return false;
  const JSCFunctionType values = {.generic_magic = js_create_array_iterator},
                        step = {.iterator_next = js_array_iterator_next};
  return JS_IsCFunction(context, method, values.generic, JS_ITERATOR_KIND_VALUE) &&
         JS_IsCFunction(context, next, step.generic, 0);
}

static bool put_value(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                      JSValueConst value);

static bool put_sequence(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                         JSValueConst value) {
  JSValue* items;
  uint32_t count;
  if (!items_of(w->context, value, &items, &count) || !put_word(w, count)) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (!put_value(w, names, field->inner, items[i])) return false;
  }
  return true;
}

static bool put_dictionary(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                           JSValueConst value) {
  const int tag = JS_VALUE_GET_TAG(value);
  if (tag != JS_TAG_OBJECT && tag != JS_TAG_UNDEFINED && tag != JS_TAG_NULL) return false;
  for (uint32_t i = 0; i < field->count; i++) {
    JSValueConst member = JS_UNDEFINED;
    if (tag == JS_TAG_OBJECT && !plain_value(JS_VALUE_GET_OBJ(value), field->inner[i].name, &member)) return false;
    if (!put_value(w, names, &field->inner[i], member)) return false;
  }
  return true;
}

static bool put_union(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                      JSValueConst value) {
  if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT) return false;
  for (uint32_t i = 0; i < field->count; i++) {
    const struct dcp_field* member = &field->inner[i];
    if (member->kind != DCP_DICTIONARY && own_value(JS_VALUE_GET_OBJ(value), member->brand) == NULL) continue;
    return put_word(w, member->tag) && put_value(w, names, member, value);
  }
  return false;
}

static bool put_present(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                        JSValueConst value) {
  uint64_t number;
  switch (field->kind) {
    case DCP_U32:
      return number_below(value, 0x1p32, &number) && put_word(w, (uint32_t)number);
    case DCP_I32:
      return JS_VALUE_GET_TAG(value) == JS_TAG_INT && put_word(w, (uint32_t)JS_VALUE_GET_INT(value));
    case DCP_U64:
      return number_below(value, 0x1p53, &number) && put_words(w, number);
    case DCP_FALSE:
      return JS_VALUE_GET_TAG(value) == JS_TAG_BOOL && !JS_VALUE_GET_BOOL(value) && put_word(w, 0);
    case DCP_STRING:
      return put_string(w, value);
    case DCP_OBJECT: {
      const JSObject* state = state_of(value, field->brand);
      return state != NULL && put_id(w, state, names->id);
    }
    case DCP_OTHER:
      return false;
    case DCP_SEQUENCE:
      return put_sequence(w, names, field, value);
    case DCP_DICTIONARY:
      return put_dictionary(w, names, field, value);
    case DCP_UNION:
      return put_union(w, names, field, value);
  }
  return false;
}

static bool put_value(struct writer* w, const struct dcp_recorder* names, const struct dcp_field* field,
                      JSValueConst value) {
  const int tag = JS_VALUE_GET_TAG(value);
  if (field->kept) w->record->kept[w->record->kept_count++] = value;
  if (field->nullable && (tag == JS_TAG_NULL || tag == JS_TAG_UNDEFINED)) return put_word(w, 0);
  if (tag == JS_TAG_UNDEFINED && field->absent == DCP_REFUSED) return false;
  if (tag == JS_TAG_UNDEFINED && field->absent == DCP_INSTEAD && field->kind != DCP_DICTIONARY) {
    return field->kind == DCP_U64 ? put_words(w, (uint64_t)(int64_t)field->instead)
                                  : put_word(w, (uint32_t)field->instead);
  }
  if (field->absent == DCP_MARKED) {
    if (tag == JS_TAG_UNDEFINED) return put_word(w, 0);
    if (!put_word(w, 1)) return false;
  }
  return put_present(w, names, field, value);
}

/* The device of a state that commands may be sent to. */
static const JSObject* working_device(const struct dcp_recorder* recorder, const JSObject* state) {
  const JSValue* open = recorder->has_open ? own_value(state, recorder->open) : NULL;
  if (recorder->has_open && (open == NULL || JS_VALUE_GET_TAG(*open) != JS_TAG_BOOL || !JS_VALUE_GET_BOOL(*open))) {
    return NULL;
  }
  const JSValue* device = own_value(state, recorder->device);
  if (device == NULL || JS_VALUE_GET_TAG(*device) != JS_TAG_OBJECT) return NULL;
  const JSValue* gone = own_value(JS_VALUE_GET_OBJ(*device), recorder->gone);
  return gone != NULL && JS_VALUE_GET_TAG(*gone) == JS_TAG_BOOL && !JS_VALUE_GET_BOOL(*gone) ? JS_VALUE_GET_OBJ(*device)
                                                                                             : NULL;
}

bool dcp_record_call(JSContext* context, const struct dcp_recorder* recorder, JSValueConst self, int argc,
                     JSValueConst* argv, uint32_t* words, uint32_t room, uint32_t id, struct dcp_record* record) {
  if ((uint32_t)argc > recorder->count) return false;
  const JSObject* state = state_of(self, recorder->brand);
  const JSObject* device = state == NULL ? NULL : working_device(recorder, state);
  if (device == NULL) return false;
  struct writer w = {context, words + 1, words + room, record};
  record->kept_count = 0;
  if (!put_id(&w, state, recorder->id) || (recorder->makes && !put_word(&w, id))) return false;
  for (uint32_t i = 0; i < recorder->count; i++) {
    const struct dcp_field* field = &recorder->fields[i];
    if ((uint32_t)argc <= i && field->absent == DCP_REFUSED) return false;
    if (!put_value(&w, recorder, field, (uint32_t)argc > i ? argv[i] : JS_UNDEFINED)) return false;
  }
  record->words = (uint32_t)(w.at - words);
  record->device = JS_MKPTR(JS_TAG_OBJECT, (JSObject*)device);
  words[0] = recorder->header + record->words;
  return true;
}
