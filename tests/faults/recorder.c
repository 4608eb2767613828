/* Records what a process writes into one folder, and what it has synced: gcc -shared -fPIC -o recorder.so recorder.c -ldl

RECORDER_FOLDER names the folder, RECORDER_TRACE the file that the record is appended to. Each entry is
"OPERATION PATH NUMBER SIZE\n" and SIZE bytes. What is only in the page cache is lost with the power, so that the reader
of the record may leave out every write after the last sync of its file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int trace = -1;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("RECORDER_FOLDER");
    const char *path = getenv("RECORDER_TRACE");
    if (folder && path) trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(const char *operation, const char *path, long long number, const void *data, size_t size) {
    if (trace < 0 || strncmp(path, folder, strlen(folder)) != 0) return;
    size_t head = strlen(operation) + strlen(path) + 64;
    char *entry = malloc(head + size);
    int length = snprintf(entry, head, "%s %s %lld %zu\n", operation, path, number, size);
    if (size) memcpy(entry + length, data, size);
    syscall(SYS_write, trace, entry, length + size); /* in one piece */
    free(entry);
}

static void note_file(const char *operation, int file, long long number, const void *data, size_t size) {
    char link[64], path[PATH_MAX];
    if (trace < 0 || file == trace) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    note(operation, path, number, data, size);
}

#define REAL(type, name, ...)                                     \
    static type (*real)(__VA_ARGS__);                             \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    long long at = trace < 0 ? 0 : lseek(file, 0, SEEK_CUR);
    ssize_t written = real(file, data, size);
    if (written > 0) note_file("write", file, at, data, written);
    return written;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    ssize_t written = real(file, data, size, at);
    if (written > 0) note_file("write", file, at, data, written);
    return written;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    ssize_t written = real(file, data, size, at);
    if (written > 0) note_file("write", file, at, data, written);
    return written;
}

int ftruncate(int file, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    int done = real(file, size);
    if (!done) note_file("size", file, size, NULL, 0);
    return done;
}

int ftruncate64(int file, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    int done = real(file, size);
    if (!done) note_file("size", file, size, NULL, 0);
    return done;
}

int posix_fallocate(int file, off_t at, off_t size) {
    REAL(int, "posix_fallocate", int, off_t, off_t);
    int done = real(file, at, size);
    if (!done) note_file("room", file, at + size, NULL, 0);
    return done;
}

int posix_fallocate64(int file, off64_t at, off64_t size) {
    REAL(int, "posix_fallocate64", int, off64_t, off64_t);
    int done = real(file, at, size);
    if (!done) note_file("room", file, at + size, NULL, 0);
    return done;
}

int fsync(int file) {
    REAL(int, "fsync", int);
    int done = real(file);
    if (!done) note_file("sync", file, 0, NULL, 0);
    return done;
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    int done = real(file);
    if (!done) note_file("sync", file, 0, NULL, 0);
    return done;
}

static void absolute(const char *path, char *whole) {
    char here[PATH_MAX];
    if (path[0] == '/' || !getcwd(here, sizeof here)) snprintf(whole, PATH_MAX, "%s", path);
    else snprintf(whole, PATH_MAX, "%.2000s/%.2000s", here, path);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    char whole[PATH_MAX];
    int done = real(path);
    absolute(path, whole);
    if (!done) note("unlink", whole, 0, NULL, 0);
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    char whole[PATH_MAX], target[PATH_MAX];
    int done = real(from, to);
    absolute(from, whole);
    absolute(to, target);
    if (!done) note("rename", whole, 0, target, strlen(target));
    return done;
}
