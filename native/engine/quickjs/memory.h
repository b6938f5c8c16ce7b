// The memory limit of QuickJS, with a reserve beyond it for the error that says that no memory is left.
#ifndef DCP_ENGINE_QUICKJS_MEMORY_H
#define DCP_ENGINE_QUICKJS_MEMORY_H

#include <stddef.h>

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that the heap may have, 0 for any number. The first out-of-memory error after this call raises the limit by
/// `reserve`: the error must be made, the promise of a failed function rejected, and the failure reported. As much is kept
/// from the system and let go then, for where it is the system that has no more. Call it with 0, 0 at the end.
void dcp_set_memory_limit(JSRuntime* runtime, size_t limit, size_t reserve);

/// Whether there has been an out-of-memory error since the last call.
int dcp_take_out_of_memory(JSRuntime* runtime);

/// Whether the heap, or the system, has less than `reserve` bytes left; of a runtime that has a limit.
int dcp_is_full(JSRuntime* runtime, size_t reserve);

#ifdef __cplusplus
}
#endif

#endif
