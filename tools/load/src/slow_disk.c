/* A disk that syncs no more often than told: preloaded, it makes each sync last MUSTER_LOAD_SYNC_NS at least. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long slowed(long call, int file) {
    struct timespec end;
    const char *told = getenv("MUSTER_LOAD_SYNC_NS");
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += told ? atol(told) : 0;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    long outcome = syscall(call, file);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0) {}
    return outcome;
}

int fsync(int file) { return (int)slowed(SYS_fsync, file); }
int fdatasync(int file) { return (int)slowed(SYS_fdatasync, file); }
