// Opens listening sockets, and shares those of which there can be only one (unix sockets, sockets
// handed over by systemd) among the shards.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "dawk/base/result.hpp"
#include "dawk/net/fd.hpp"

namespace dawk::net {

// A unix socket made here. Its last owner removes it from the file system.
struct UnixSocket {
    Fd fd;
    std::string path;
    std::uint64_t inode = 0;

    UnixSocket() = default;
    UnixSocket(UnixSocket const&) = delete;
    UnixSocket& operator=(UnixSocket const&) = delete;
    ~UnixSocket();
};

struct Listening {
    Fd fd;
    std::shared_ptr<UnixSocket> shared;  // null for others
};

// Addresses: "192.0.2.1:25", "[2001:db8::1]:25", "[::]:25" (IPv6 alone: listen on "0.0.0.0:25"
// too), "unix:/path", "systemd:NAME" (LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES of
// sd_listen_fds(3)). One object per process, safe to use from many threads.
class ListeningSockets {
  public:
    // Descriptors from the service manager are taken at once, so that no child inherits them.
    ListeningSockets();
    Result<Listening> open(std::string const& address, bool reuse_port);
    static constexpr int backlog = 4096;

  private:
    Result<Listening> open_unix(std::string const& address, bool share);
    Result<Listening> open_named(std::string const& name);

    std::mutex mutex_;
    std::multimap<std::string, Fd> handed_over_;               // by name
    std::map<std::string, std::weak_ptr<UnixSocket>> shared_;  // by address
};

}  // namespace dawk::net
