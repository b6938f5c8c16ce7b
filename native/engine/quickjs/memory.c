// Compiled at the end of quickjs.c, whose structs it needs, and which keeps itself from calling these two.
#undef malloc
#undef free

#include "engine/quickjs/memory.h"

static void release_block(JSRuntime* runtime) {
  free(runtime->dcp_block);
  runtime->dcp_block = NULL;
}

void dcp_set_memory_limit(JSRuntime* runtime, size_t limit, size_t reserve) {
  JS_SetMemoryLimit(runtime, limit);
  runtime->dcp_reserve = limit == 0 ? 0 : reserve;
  if (reserve == 0) {
    release_block(runtime);
  } else if (runtime->dcp_block == NULL) {
    runtime->dcp_block = malloc(reserve);
  }
}

/* Called by the first error after that. */
void dcp_use_reserve(JSRuntime* runtime) {
  runtime->dcp_out_of_memory = true;
  runtime->malloc_state.malloc_limit += runtime->dcp_reserve;
  runtime->dcp_reserve = 0;
  release_block(runtime);
}

int dcp_take_out_of_memory(JSRuntime* runtime) {
  const bool happened = runtime->dcp_out_of_memory;
  runtime->dcp_out_of_memory = false;
  return happened;
}

int dcp_is_full(JSRuntime* runtime, size_t reserve) {
  const JSMallocState* state = &runtime->malloc_state;
  if (runtime->dcp_block == NULL) runtime->dcp_block = malloc(reserve);
  return runtime->dcp_block == NULL || state->malloc_size + reserve > state->malloc_limit;
}
