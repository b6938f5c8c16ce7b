/* Compiled at the end of quickjs.c. A long string that is put together from short ones is a rope. "text += piece" makes a
   new one, since the old one may be somebody's; where nobody has it but the variable that gets the new one in the next
   instruction, the piece goes into the room behind the rope's last string instead. */

static const JSValue* variable_stored_next(const uint8_t* next, const JSValue* variables) {
  switch (*next) {
    case OP_put_loc0:
    case OP_put_loc1:
    case OP_put_loc2:
    case OP_put_loc3:
      return &variables[*next - OP_put_loc0];
    case OP_put_loc8:
      return &variables[next[1]];
    case OP_put_loc:
      return &variables[get_u16(next + 1)];
    default:
      return NULL;
  }
}

static bool is_owned_by(const JSStringRope* rope, const JSValue* variable) {
  return variable != NULL && JS_VALUE_GET_TAG(*variable) == JS_TAG_STRING_ROPE && JS_REF_COUNT(rope) == 2 &&
         JS_VALUE_GET_STRING_ROPE(*variable) == rope;
}

static size_t bytes_of_string(size_t units, bool is_wide) { return sizeof(JSString) + (units << is_wide) + !is_wide; }

/* The string with room for twice the units, but not for more than a piece of a rope may have; or NULL. */
static JSString* with_room(JSContext* context, const JSString* string, size_t units) {
  const size_t room = min_int(2 * units, JS_STRING_ROPE_SHORT2_LEN);
  JSString* larger = js_alloc_string_rt(context->rt, room, string->is_wide_char);
  if (larger == NULL) return NULL;
  larger->len = string->len;
  memcpy(strv(larger), strv((JSString*)string), (size_t)string->len << string->is_wide_char);
  return larger;
}

/* Appends where nobody can see it; false where that cannot be. `next` is the instruction after the addition. */
bool dcp_append(JSContext* context, JSValueConst to, JSValueConst piece, const uint8_t* next, JSValue* variables) {
  JSStringRope* rope = JS_VALUE_GET_STRING_ROPE(to);
  JSString *last, *added, *larger;
  size_t units;
  if (JS_VALUE_GET_TAG(piece) != JS_TAG_STRING || JS_VALUE_GET_TAG(rope->right) != JS_TAG_STRING) return false;
  if (!is_owned_by(rope, variable_stored_next(next, variables))) return false;
  last = JS_VALUE_GET_STRING(rope->right);
  added = JS_VALUE_GET_STRING(piece);
  units = (size_t)last->len + added->len;
  if (JS_REF_COUNT(last) != 1 || last->kind != JS_STRING_KIND_NORMAL || last->atom_type != 0 || last->len == 0 ||
      last->is_wide_char != added->is_wide_char || units > JS_STRING_ROPE_SHORT2_LEN ||
      (size_t)rope->len + added->len > JS_STRING_LEN_MAX) {
    return false;
  }
  if (js_malloc_usable_size(context, last) < bytes_of_string(units, last->is_wide_char)) {
    larger = with_room(context, last, units);
    if (larger == NULL) return false;
    js_free_string(context->rt, last);
    last = larger;
    rope->right = JS_MKPTR(JS_TAG_STRING, last);
  }
  memcpy((uint8_t*)strv(last) + ((size_t)last->len << last->is_wide_char), strv(added), (size_t)added->len << added->is_wide_char);
  last->len = units;
  if (!last->is_wide_char) str8(last)[units] = '\0';
  rope->len += added->len;
  return true;
}
