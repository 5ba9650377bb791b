#include "surroundings.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

__thread int64_t (*entente_engine_now)(void* opaque) = NULL;
__thread void* entente_engine_now_opaque = NULL;
__thread void (*entente_engine_gave_up)(void* opaque, const char* why) = NULL;
__thread void* entente_engine_gave_up_opaque = NULL;

int entente_engine_gettimeofday(struct timeval* out, void* zone) {
  (void)zone;
  if (entente_engine_now != NULL) {
    const int64_t now = entente_engine_now(entente_engine_now_opaque);
    out->tv_sec = now / 1000000;
    out->tv_usec = now % 1000000;
    return 0;
  }
  return gettimeofday(out, NULL);
}

/* The engine asks for the offset from UTC alone. It is zero: scripts give the same on every node,
   and the C library's lock of time zones is not taken. */
struct tm* entente_engine_localtime_r(const time_t* time, struct tm* out) {
  (void)time;
  memset(out, 0, sizeof *out);
  return out;
}

/* The engine's one lock orders waiters of Atomics.wait(). Nothing waits: isolates cannot block. */
int entente_engine_mutex_lock(pthread_mutex_t* mutex) {
  (void)mutex;
  return 0;
}
int entente_engine_mutex_unlock(pthread_mutex_t* mutex) {
  (void)mutex;
  return 0;
}

_Noreturn void entente_engine_abort(void) {
  if (entente_engine_gave_up != NULL)
    entente_engine_gave_up(entente_engine_gave_up_opaque, "the engine gave up");
  abort();
}

_Noreturn void entente_engine_assert_fail(const char* condition, const char* file,
                                          unsigned int line, const char* function) {
  (void)function;
  if (entente_engine_gave_up != NULL)
    entente_engine_gave_up(entente_engine_gave_up_opaque, condition);
  fprintf(stderr, "%s:%u: %s\n", file, line, condition);
  abort();
}
