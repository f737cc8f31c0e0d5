#include "dawk/net/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dawk/net/fd.hpp"

namespace dawk::net {

ErrorCode file_error(int error) noexcept {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return Errc::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return Errc::exists;
        case EACCES:
        case EPERM:
        case EROFS:
        case ELOOP:
            return Errc::denied;  // ELOOP: a symbolic link where none is allowed
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return Errc::no_space;
        case ENAMETOOLONG:
            return Errc::too_long;
        default:
            return Errc::io_error;
    }
}

namespace {

// Repeats a call the kernel broke off for a signal.
template <class F>
auto unbroken(F call) {
    auto r = call();
    while (r < 0 && errno == EINTR) r = call();
    return r;
}

Result<void> checked(int r) {
    if (r < 0) return file_error(errno);
    return {};
}

class PosixFile final : public rt::File {
  public:
    explicit PosixFile(Fd fd) : fd_(std::move(fd)) {}

    Result<void> append(std::span<std::string_view const> pieces) override {
        std::size_t index = 0;
        std::size_t offset = 0;
        while (index < pieces.size()) {
            std::array<iovec, 64> parts{};
            int const count = gather(pieces, index, offset, parts);
            if (count == 0) return {};
            auto const n = unbroken([&] { return ::writev(fd_.get(), parts.data(), count); });
            if (n < 0) return file_error(errno);
            if (n == 0) return Errc::io_error;
            advance(pieces, static_cast<std::size_t>(n), index, offset);
        }
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
        auto const n = unbroken([&] {
            return ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
        });
        if (n < 0) return file_error(errno);
        return static_cast<std::size_t>(n);
    }

    Result<std::uint64_t> size() override {
        struct stat facts {};
        if (::fstat(fd_.get(), &facts) != 0) return file_error(errno);
        return static_cast<std::uint64_t>(facts.st_size);
    }

    Result<void> preallocate(std::uint64_t size_bytes) override {
        int const r = unbroken([&] {
            return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes));
        });
        if (r == 0 || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return {};
        return file_error(errno);
    }

    Result<void> sync() override {
        return checked(unbroken([&] { return ::fdatasync(fd_.get()); }));
    }

    Result<unsigned> mode() override {
        struct stat facts {};
        if (::fstat(fd_.get(), &facts) != 0) return file_error(errno);
        return static_cast<unsigned>(facts.st_mode & 07777U);
    }

    int descriptor() const noexcept { return fd_.get(); }

  private:
    static int gather(std::span<std::string_view const> pieces, std::size_t index,
                      std::size_t offset, std::span<iovec> parts) {
        std::size_t count = 0;
        for (; index < pieces.size() && count < parts.size(); ++index, offset = 0) {
            auto const rest = pieces[index].substr(offset);
            if (rest.empty()) continue;
            parts[count++] = {const_cast<char*>(rest.data()), rest.size()};
        }
        return static_cast<int>(count);
    }

    static void advance(std::span<std::string_view const> pieces, std::size_t n, std::size_t& index,
                        std::size_t& offset) {
        while (index < pieces.size() && n >= pieces[index].size() - offset) {
            n -= pieces[index].size() - offset;
            ++index;
            offset = 0;
        }
        offset += n;
    }

    Fd fd_;
};

// What stands behind path must be a plain file: a FIFO or device would block or worse.
Result<std::unique_ptr<rt::File>> plain_file(Fd fd) {
    struct stat facts {};
    if (::fstat(fd.get(), &facts) != 0) return file_error(errno);
    if (!S_ISREG(facts.st_mode)) return Errc::denied;
    return std::unique_ptr<rt::File>(std::make_unique<PosixFile>(std::move(fd)));
}

using ByDevice = std::map<dev_t, std::vector<int>>;

Result<ByDevice> by_device(std::span<int const> descriptors) {
    ByDevice found;
    for (int const fd : descriptors) {
        struct stat facts {};
        if (::fstat(fd, &facts) != 0) return file_error(errno);
        found[facts.st_dev].push_back(fd);
    }
    return found;
}

// Up to so many, single syncs do not disturb the rest of the file system and cost no more.
constexpr std::size_t singly_max = 2;

// syncfs tells of an error of the file system since the descriptor was opened; the wait on each
// file, which is over at once, tells of an error of its own octets.
Result<void> sync_many(std::span<int const> descriptors, bool are_files) {
    DAWK_TRY(auto const devices, by_device(descriptors));
    for (auto const& [device, list] : devices) {
        bool const singly = list.size() <= singly_max;
        if (!singly) DAWK_TRY_VOID(checked(unbroken([&] { return ::syncfs(list.front()); })));
        for (int const fd : list) {
            if (singly) {
                DAWK_TRY_VOID(
                    checked(unbroken([&] { return are_files ? ::fdatasync(fd) : ::fsync(fd); })));
            } else if (are_files) {
                DAWK_TRY_VOID(checked(unbroken(
                    [&] { return ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE); })));
            }
        }
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<rt::File>> PosixFiles::create(std::string const& path, unsigned mode) {
    int const flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_APPEND;
    Fd fd(unbroken([&] { return ::open(path.c_str(), flags, static_cast<mode_t>(mode)); }));
    if (!fd) return file_error(errno);
    return std::unique_ptr<rt::File>(std::make_unique<PosixFile>(std::move(fd)));
}

Result<std::unique_ptr<rt::File>> PosixFiles::open(std::string const& path) {
    int const flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    Fd fd(unbroken([&] { return ::open(path.c_str(), flags); }));
    if (!fd) return file_error(errno);
    return plain_file(std::move(fd));
}

Result<void> PosixFiles::rename(std::string const& from, std::string const& to) {
    return checked(::rename(from.c_str(), to.c_str()));
}

Result<void> PosixFiles::link(std::string const& from, std::string const& to) {
    return checked(::link(from.c_str(), to.c_str()));
}

Result<void> PosixFiles::remove(std::string const& path) {
    return checked(::unlink(path.c_str()));
}

Result<void> PosixFiles::make_folder(std::string const& path, unsigned mode) {
    return checked(::mkdir(path.c_str(), static_cast<mode_t>(mode)));
}

Result<bool> PosixFiles::exists(std::string const& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) == 0) return true;
    if (errno == ENOENT) return false;
    return Result<bool>(boost::system::in_place_error, file_error(errno));
}

Result<std::vector<std::string>> PosixFiles::list(std::string const& folder) {
    Fd fd(unbroken([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!fd) return file_error(errno);
    DIR* const dir = ::fdopendir(fd.get());
    if (dir == nullptr) return file_error(errno);
    fd.release();  // the DIR closes it
    std::vector<std::string> names;
    errno = 0;
    while (auto const* entry = ::readdir(dir)) {
        std::string_view const name(entry->d_name);
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    int const error = errno;
    ::closedir(dir);
    if (error != 0) return file_error(error);
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> PosixFiles::sync_folder(std::string const& path) {
    Fd fd(unbroken([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!fd) return file_error(errno);
    return checked(unbroken([&] { return ::fsync(fd.get()); }));
}

Result<void> PosixFiles::sync_files(std::span<std::unique_ptr<rt::File> const> files) {
    std::vector<int> descriptors;
    descriptors.reserve(files.size());
    for (auto const& file : files) {
        auto const* own = dynamic_cast<PosixFile const*>(file.get());
        if (own == nullptr) return rt::Files::sync_files(files);
        descriptors.push_back(own->descriptor());
    }
    return sync_many(descriptors, true);
}

Result<void> PosixFiles::sync_folders(std::span<std::string const> paths) {
    std::vector<Fd> open;
    std::vector<int> descriptors;
    for (auto const& path : paths) {
        Fd fd(unbroken([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
        if (!fd) return file_error(errno);
        descriptors.push_back(fd.get());
        open.push_back(std::move(fd));
    }
    return sync_many(descriptors, false);
}

}  // namespace dawk::net
