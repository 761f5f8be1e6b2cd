/* The calendar of a process and its children, moved: every clock that tells the date is CLOCK_AHEAD_S seconds ahead, and
 * so are the times of files. Clocks that only measure how long something takes are left alone.
 *
 * cc -shared -fPIC -O2 -o ahead.so ahead.c; then LD_PRELOAD=ahead.so CLOCK_AHEAD_S=86400 program
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>

static time_t ahead;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("CLOCK_AHEAD_S");
    ahead = text ? atoll(text) : 0;
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
}

/* Reading the clock. */

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_clock) real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real_clock(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead;
    return failed;
}

time_t time(time_t *now) {
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    if (now) *now = read.tv_sec;
    return read.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec read;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &read);
    now->tv_sec = read.tv_sec;
    now->tv_usec = read.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *now, int base) {
    return clock_gettime(CLOCK_REALTIME, now) ? 0 : base;
}

/* Waiting until a date: the kernel's date is behind. A deadline on another clock is far below any date. */

static struct timespec in_kernel(const struct timespec *until) {
    struct timespec now, real = *until;
    clock_gettime(CLOCK_REALTIME, &now);
    if (until->tv_sec > now.tv_sec - ahead / 2) real.tv_sec -= ahead;
    return real;
}

#define WAIT(name, type)                                                     \
    int name(type *what, const struct timespec *until) {                     \
        static int (*real)(type *, const struct timespec *);                 \
        if (!real) real = dlsym(RTLD_NEXT, #name);                           \
        struct timespec moved = in_kernel(until);                            \
        return real(what, &moved);                                           \
    }
WAIT(sem_timedwait, sem_t)
WAIT(pthread_mutex_timedlock, pthread_mutex_t)

int pthread_cond_timedwait(pthread_cond_t *restrict what, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec moved = in_kernel(until);
    return real(what, lock, &moved);
}

/* The times of files, read and set. */

#define READ(name, arguments, passed, buffer)                                \
    int name arguments {                                                     \
        static int(*real) arguments;                                         \
        if (!real) real = dlsym(RTLD_NEXT, #name);                           \
        int failed = real passed;                                            \
        if (!failed) {                                                       \
            buffer->st_atim.tv_sec += ahead;                                 \
            buffer->st_mtim.tv_sec += ahead;                                 \
            buffer->st_ctim.tv_sec += ahead;                                 \
        }                                                                    \
        return failed;                                                       \
    }
READ(stat, (const char *restrict path, struct stat *restrict found), (path, found), found)
READ(lstat, (const char *restrict path, struct stat *restrict found), (path, found), found)
READ(fstat, (int file, struct stat *found), (file, found), found)
READ(fstatat, (int folder, const char *restrict path, struct stat *restrict found, int flags),
     (folder, path, found, flags), found)
READ(stat64, (const char *restrict path, struct stat64 *restrict found), (path, found), found)
READ(lstat64, (const char *restrict path, struct stat64 *restrict found), (path, found), found)
READ(fstat64, (int file, struct stat64 *found), (file, found), found)
READ(fstatat64, (int folder, const char *restrict path, struct stat64 *restrict found, int flags),
     (folder, path, found, flags), found)
READ(__xstat64, (int version, const char *path, struct stat64 *found), (version, path, found), found)
READ(__lxstat64, (int version, const char *path, struct stat64 *found), (version, path, found), found)
READ(__fxstat64, (int version, int file, struct stat64 *found), (version, file, found), found)
READ(__xstat, (int version, const char *path, struct stat *found), (version, path, found), found)
READ(__lxstat, (int version, const char *path, struct stat *found), (version, path, found), found)
READ(__fxstat, (int version, int file, struct stat *found), (version, file, found), found)

int statx(int folder, const char *restrict path, int flags, unsigned int mask, struct statx *restrict found) {
    static int (*real)(int, const char *, int, unsigned int, struct statx *);
    if (!real) real = dlsym(RTLD_NEXT, "statx");
    int failed = real(folder, path, flags, mask, found);
    if (!failed) {
        found->stx_atime.tv_sec += ahead;
        found->stx_mtime.tv_sec += ahead;
        found->stx_ctime.tv_sec += ahead;
        found->stx_btime.tv_sec += ahead;
    }
    return failed;
}

static void moved_back(struct timespec moved[2], const struct timespec times[2]) {
    for (int at = 0; at < 2; at++) {
        moved[at] = times[at];
        if (times[at].tv_nsec != UTIME_NOW && times[at].tv_nsec != UTIME_OMIT) moved[at].tv_sec -= ahead;
    }
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    static int (*real)(int, const char *, const struct timespec *, int);
    if (!real) real = dlsym(RTLD_NEXT, "utimensat");
    struct timespec moved[2];
    if (times) moved_back(moved, times);
    return real(folder, path, times ? moved : NULL, flags);
}

int futimens(int file, const struct timespec times[2]) {
    static int (*real)(int, const struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "futimens");
    struct timespec moved[2];
    if (times) moved_back(moved, times);
    return real(file, times ? moved : NULL);
}
