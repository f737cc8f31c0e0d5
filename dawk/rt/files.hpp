// Files: the file system, as far as mailboxes and large contents need it. Blocking: call it inside
// offload() (dawk/rt/work.hpp). Nothing is durable before sync() of the file and sync_folder() of
// every folder whose entries changed. Errors: not_found, exists, denied, no_space, io_error.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/result.hpp"

namespace dawk::rt {

class File {
  public:
    virtual ~File() = default;  // closes; never syncs
    virtual Result<void> append(std::span<std::string_view const> pieces) = 0;
    virtual Result<std::size_t> read_at(std::uint64_t offset,
                                        std::span<char> buffer) = 0;  // 0 at the end
    virtual Result<std::uint64_t> size() = 0;
    virtual Result<void> preallocate(std::uint64_t size_bytes) = 0;  // best effort, size unchanged
    virtual Result<void> sync() = 0;                                 // fdatasync
    // Permission bits as in chmod; unsupported where there are none.
    virtual Result<unsigned> mode() { return Errc::unsupported; }
};

class Files {
  public:
    virtual ~Files() = default;
    virtual Result<std::unique_ptr<File>> create(std::string const& path,
                                                 unsigned mode) = 0;  // O_EXCL
    virtual Result<std::unique_ptr<File>> open(
        std::string const& path) = 0;  // to read, no symlink at the end
    virtual Result<void> rename(std::string const& from, std::string const& to) = 0;  // replaces
    virtual Result<void> link(std::string const& from,
                              std::string const& to) = 0;  // exists if taken
    virtual Result<void> remove(std::string const& path) = 0;
    virtual Result<void> make_folder(std::string const& path,
                                     unsigned mode) = 0;  // exists if there
    virtual Result<bool> exists(std::string const& path) = 0;
    virtual Result<std::vector<std::string>> list(std::string const& folder) = 0;  // names, sorted
    virtual Result<void> sync_folder(std::string const& path) = 0;
    // The same for many at once, which a real file system does with far fewer waits. On an error
    // nothing is said about any of them.
    virtual Result<void> sync_files(std::span<std::unique_ptr<File> const> files) {
        for (auto const& file : files) DAWK_TRY_VOID(file->sync());
        return {};
    }
    virtual Result<void> sync_folders(std::span<std::string const> paths) {
        for (auto const& path : paths) DAWK_TRY_VOID(sync_folder(path));
        return {};
    }
};

}  // namespace dawk::rt
