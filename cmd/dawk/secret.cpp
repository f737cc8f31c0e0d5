#include "cmd/dawk/secret.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {

constexpr std::size_t secret_bytes_max = 4096;

// Up to the first line end, octet by octet, so that nothing behind it is taken from a shared input.
std::string read_line(int fd, std::string const& name) {
    std::string line;
    char c = 0;
    for (;;) {
        auto const got = ::read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(Exit::no_input, name + ": " + std::strerror(errno));
        if (got == 0 || c == '\n') break;
        if (line.size() >= secret_bytes_max) fail(Exit::data, name + ": the line is too long");
        line += c;
    }
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

// Echo is off while this lives, and on again however the reading ends.
class Unseen {
  public:
    explicit Unseen(int terminal) : terminal_(terminal) {
        tcgetattr(terminal_, &old_);
        termios quiet = old_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ICANON | ISIG;
        tcsetattr(terminal_, TCSAFLUSH, &quiet);
    }
    ~Unseen() { tcsetattr(terminal_, TCSAFLUSH, &old_); }
    Unseen(Unseen const&) = delete;
    Unseen& operator=(Unseen const&) = delete;

  private:
    int terminal_;
    termios old_{};
};

volatile std::sig_atomic_t interrupted = 0;
extern "C" void on_interrupt(int) {
    interrupted = 1;
}

// One line from the terminal. An interrupt ends the reading, not the process with echo off.
std::string read_unseen(int terminal, std::string const& prompt) {
    struct sigaction action {};
    struct sigaction old {};
    action.sa_handler = on_interrupt;  // without SA_RESTART
    sigaction(SIGINT, &action, &old);
    interrupted = 0;
    std::string line;
    {
        Unseen const unseen(terminal);
        print_error(prompt);
        char c = 0;
        while (interrupted == 0 && line.size() < secret_bytes_max) {
            auto const got = ::read(terminal, &c, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0 || c == '\n') break;
            line += c;
        }
        print_error("\n");
    }
    sigaction(SIGINT, &old, nullptr);
    if (interrupted != 0) fail(Exit::failed, "interrupted; nothing was changed");
    return line;
}

}  // namespace

std::string read_secret_file(std::string const& path) {
    if (path == "-") return read_line(STDIN_FILENO, "standard input");
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(Exit::no_input, path + ": " + std::strerror(errno));
    struct Closer {
        int fd;
        ~Closer() { ::close(fd); }
    } const closer{fd};
    return read_line(fd, path);
}

std::string ask_new_password(std::string const& prompt) {
    if (::isatty(STDIN_FILENO) == 0) return read_line(STDIN_FILENO, "standard input");
    auto const first = read_unseen(STDIN_FILENO, prompt + ": ");
    auto const again = read_unseen(STDIN_FILENO, "The same again: ");
    if (first != again) fail(Exit::data, "the two differ; nothing was changed");
    return first;
}

}  // namespace dawk::cmd
