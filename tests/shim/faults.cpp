// Makes a disk fail for a program that knows nothing of it: preloaded (LD_PRELOAD), it stands
// before the C library's writes and syncs of files below a folder, and fails those that it is told
// to.
//
//     DAWK_FAULTS=control LD_PRELOAD=libdawk-faults.so dawk serve ...
//
// `control` is a file of eleven 64-bit words, shared with the test (tests/harness/faults.py), which
// may change them at any time. Sockets and files elsewhere are never touched. Test code only.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

using Word = std::atomic<std::int64_t>;

// Of one kind of call.
struct Faults {
    Word error;  // errno; 0: none
    Word skip;   // so many calls succeed first
    Word count;  // so many fail then; -1: all
    Word seen;   // calls so far
    Word hit;    // of them, those that failed
};
struct Control {
    Faults syncs, writes;
    Word short_writes;  // 1: a write that fails has written half of its octets before
};

Control* control = nullptr;
char const* folder = nullptr;

__attribute__((constructor)) void begin() {
    char const* const path = std::getenv("DAWK_FAULTS");
    folder = std::getenv("DAWK_FAULTS_BELOW");
    if (path == nullptr || folder == nullptr) return;
    int const fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void* const mapped =
        ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (mapped != MAP_FAILED) control = static_cast<Control*>(mapped);
}

template <class F>
F next(char const* name) {
    void* const found = ::dlsym(RTLD_NEXT, name);
    if (found == nullptr) std::abort();
    F out = nullptr;
    std::memcpy(&out, &found, sizeof out);
    return out;
}

bool is_ours(int fd) {
    if (control == nullptr) return false;
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) return false;
    if (!S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode)) return false;
    char link[64];
    char path[PATH_MAX + 1];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    auto const size = ::readlink(link, path, PATH_MAX);
    if (size <= 0) return false;
    path[size] = '\0';
    return std::strncmp(path, folder, std::strlen(folder)) == 0;
}

// The errno that this call is to fail with, or 0.
int fault_of(Faults& faults, int fd) {
    if (!is_ours(fd)) return 0;
    ++faults.seen;
    auto const error = static_cast<int>(faults.error.load());
    if (error == 0) return 0;
    if (faults.skip > 0 && faults.skip.fetch_sub(1) > 0) return 0;
    auto left = faults.count.load();
    while (left > 0 && !faults.count.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 0) return 0;
    ++faults.hit;
    return error;
}

int failed(int error) {
    errno = error;
    return -1;
}

}  // namespace

extern "C" {

int fsync(int fd) {
    static auto const real = next<int (*)(int)>("fsync");
    if (control != nullptr) {
        if (int const error = fault_of(control->syncs, fd)) return failed(error);
    }
    return real(fd);
}

int fdatasync(int fd) {
    static auto const real = next<int (*)(int)>("fdatasync");
    if (control != nullptr) {
        if (int const error = fault_of(control->syncs, fd)) return failed(error);
    }
    return real(fd);
}

ssize_t write(int fd, void const* data, std::size_t size) {
    static auto const real = next<ssize_t (*)(int, void const*, std::size_t)>("write");
    if (control != nullptr) {
        if (int const error = fault_of(control->writes, fd)) {
            if (control->short_writes != 0 && size > 1) (void)!real(fd, data, size / 2);
            return failed(error);
        }
    }
    return real(fd, data, size);
}

ssize_t writev(int fd, iovec const* parts, int count) {
    static auto const real = next<ssize_t (*)(int, iovec const*, int)>("writev");
    if (control != nullptr) {
        if (int const error = fault_of(control->writes, fd)) return failed(error);
    }
    return real(fd, parts, count);
}

}  // extern "C"
