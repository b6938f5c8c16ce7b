/* Atomics.waitAsync, which QuickJS lacks. The definitions are compiled at the end of quickjs.c, whose types they use. */
#ifndef DCP_QUICKJS_ATOMICS_H
#define DCP_QUICKJS_ATOMICS_H

#include "quickjs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When the first of those that wait gives up, in milliseconds of CLOCK_MONOTONIC; infinite: none does. */
double dcp_next_timeout(JSRuntime* runtime);
/* Settles the promises of those whose time has come. */
void dcp_run_timeouts(JSRuntime* runtime);
/* Nobody waits any more. Before the context is freed. */
void dcp_forget_waiters(JSRuntime* runtime);

#ifdef __cplusplus
}
#endif

#endif
