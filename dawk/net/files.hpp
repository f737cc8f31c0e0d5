// PosixFiles: rt::Files on the operating system's calls. Blocking. Never follows a symbolic link at
// the end of a path it opens, never leaks a descriptor to a child. Safe to use from many threads.
#pragma once

#include "dawk/rt/files.hpp"

namespace dawk::net {

class PosixFiles final : public rt::Files {
  public:
    Result<std::unique_ptr<rt::File>> create(std::string const& path, unsigned mode) override;
    Result<std::unique_ptr<rt::File>> open(std::string const& path) override;
    Result<void> rename(std::string const& from, std::string const& to) override;
    Result<void> link(std::string const& from, std::string const& to) override;
    Result<void> remove(std::string const& path) override;
    Result<void> make_folder(std::string const& path, unsigned mode) override;
    Result<bool> exists(std::string const& path) override;
    Result<std::vector<std::string>> list(std::string const& folder) override;
    Result<void> sync_folder(std::string const& path) override;
    // More than a few go by one syncfs for each file system: one wait for the disk instead of many.
    Result<void> sync_files(std::span<std::unique_ptr<rt::File> const> files) override;
    Result<void> sync_folders(std::span<std::string const> paths) override;
};

// Of an errno of a file operation: not_found, exists, denied, no_space, io_error.
ErrorCode file_error(int error) noexcept;

}  // namespace dawk::net
