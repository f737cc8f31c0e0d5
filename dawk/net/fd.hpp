// Fd: owns one file descriptor of the operating system.
#pragma once

#include <utility>

#include <unistd.h>

namespace dawk::net {

class Fd {
  public:
    Fd() noexcept = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) ::close(fd_);  // after EINTR the descriptor is gone as well (Linux)
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

}  // namespace dawk::net
