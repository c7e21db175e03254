/* Preloaded: kills every process of a command line at the n-th operation on the files below a folder.
 *
 * CRASH_STATE names a file with a `struct state`, which all processes of the command line share; without it nothing
 * is counted. What changes files is counted before it is done: open that creates or truncates, write, copy, truncate,
 * fsync, rename, unlink, link, mkdir, rmdir. With `half`, half of a write or a copy is done first.
 * Of a database its commits are counted alone: how it survives what comes between is its own promise.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define PROCESSES 64

struct state {
    atomic_long count;        /* operations so far */
    long at;                  /* the operation that is not done; 0: all are, and listed */
    int half;                 /* whether half of it is */
    int alone;                /* whether the process dies alone */
    atomic_int has_crashed;
    atomic_int processes;     /* how many there are, and which */
    int pids[PROCESSES];
    char folder[1024];
    char list[1024];          /* the file in which operations are listed */
};

static struct state *state;
static int registered;

static void die(void) {
    atomic_store(&state->has_crashed, 1);
    for (int i = 0; !state->alone && i < PROCESSES; i++)
        if (state->pids[i] && state->pids[i] != getpid()) kill(state->pids[i], SIGKILL);
    kill(getpid(), SIGKILL);
}

static struct state *shared(void) {
    if (!state) {
        const char *name = getenv("CRASH_STATE");
        int file = name ? syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC, 0) : -1;
        if (file < 0) return NULL;
        void *found = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        syscall(SYS_close, file);
        if (found == MAP_FAILED) abort();
        state = found;
    }
    if (registered != getpid()) {
        registered = getpid();
        state->pids[atomic_fetch_add(&state->processes, 1) % PROCESSES] = registered;
    }
    if (atomic_load(&state->has_crashed) && !state->alone) kill(getpid(), SIGKILL);
    return state;
}

__attribute__((constructor)) static void begin(void) { shared(); }

static int ends(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && !strcmp(text + length - wanted, end);
}

/* Whether an operation is the one at which to die; it is counted if it counts. */
static int is_it(const char *kind, const char *path) {
    struct state *shared_state = shared();
    if (!shared_state || strncmp(path, state->folder, strlen(state->folder))) return 0;
    if (strstr(path, "mlflow.db") && !(ends(path, "mlflow.db-journal") && !strcmp(kind, "unlink"))) return 0;
    if (ends(path, ".lock")) return 0;
    long number = atomic_fetch_add(&state->count, 1) + 1;
    if (!state->at || number == state->at) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld\t%s\t%s\n", number, kind, path);
        int file = syscall(SYS_openat, AT_FDCWD, state->list, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        syscall(SYS_write, file, line, length);
        syscall(SYS_close, file);
    }
    return number == state->at;
}

static const char *absolute(int folder, const char *path, char *place) {
    if (path[0] == '/') return path;
    char link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, place, PATH_MAX);
    if (length < 0) return "";
    snprintf(place + length, PATH_MAX, "/%s", path);
    return place;
}

static const char *opened(int file, char *place) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, place, PATH_MAX);
    place[length < 0 ? 0 : length] = 0;
    return place;
}

static int reaches_file(const char *kind, int file) {
    char place[2 * PATH_MAX];
    int before = errno, found = shared() && is_it(kind, opened(file, place));
    errno = before;
    return found;
}

static void reach(const char *kind, int folder, const char *path) {
    char place[2 * PATH_MAX];
    int before = errno;
    if (shared() && is_it(kind, absolute(folder, path, place))) die();
    errno = before;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        int is_new = flags & O_CREAT && syscall(SYS_faccessat, AT_FDCWD, path, F_OK); \
        if (is_new || flags & O_TRUNC) reach("open", AT_FDCWD, path); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        int is_new = flags & O_CREAT && syscall(SYS_faccessat, folder, path, F_OK); \
        if (is_new || flags & O_TRUNC) reach("open", folder, path); \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (reaches_file("write", file)) {
        if (state->half) real(file, data, size / 2);
        die();
    }
    return real(file, data, size);
}

#define PWRITE(name, offset_t) \
    ssize_t name(int file, const void *data, size_t size, offset_t offset) { \
        REAL(name); \
        if (reaches_file("write", file)) { \
            if (state->half) real(file, data, size / 2, offset); \
            die(); \
        } \
        return real(file, data, size, offset); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SENDFILE(name, offset_t) \
    ssize_t name(int to, int from, offset_t *offset, size_t size) { \
        REAL(name); \
        if (reaches_file("copy", to)) { \
            struct stat about; \
            if (state->half && !fstat(from, &about)) real(to, from, offset, about.st_size / 2); \
            die(); \
        } \
        return real(to, from, offset, size); \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

#define ON_FILE(name, kind) \
    int name(int file) { \
        REAL(name); \
        if (reaches_file(kind, file)) die(); \
        return real(file); \
    }
ON_FILE(fsync, "fsync")
ON_FILE(fdatasync, "fsync")

int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    if (reaches_file("truncate", file)) die();
    return real(file, size);
}
int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    if (reaches_file("truncate", file)) die();
    return real(file, size);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    reach("rename", AT_FDCWD, to);
    return real(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(renameat);
    reach("rename", to_folder, to);
    return real(from_folder, from, to_folder, to);
}
int unlink(const char *path) {
    REAL(unlink);
    if (!syscall(SYS_faccessat, AT_FDCWD, path, F_OK)) reach("unlink", AT_FDCWD, path);
    return real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    reach("unlink", folder, path);
    return real(folder, path, flags);
}
int link(const char *from, const char *to) {
    REAL(link);
    reach("link", AT_FDCWD, to);
    return real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    if (syscall(SYS_faccessat, AT_FDCWD, path, F_OK)) reach("mkdir", AT_FDCWD, path);
    return real(path, mode);
}
int rmdir(const char *path) {
    REAL(rmdir);
    reach("rmdir", AT_FDCWD, path);
    return real(path);
}
