// MemoryFiles: a file system that keeps only what was synced. power_cut() forgets the rest: octets
// of a file after its last sync, and names that were made, moved or removed since their folder was
// synced.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dawk/rt/files.hpp"

namespace dawk::sim {

class MemoryFiles final : public rt::Files {
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

    void power_cut();
    void put(std::string const& path, std::string content);  // durable at once, folders made
    Result<std::string> get(std::string const& path) const;  // as it is now
    bool is_durable(std::string const& path) const;          // a power cut would leave it as it is
    std::vector<std::string> paths() const;                  // of all files, sorted
    // Faults: octets left on the disk (no_space beyond), and the next syncs that fail.
    std::uint64_t free_bytes = UINT64_MAX;
    std::uint32_t failing_syncs = 0;
    std::uint64_t syncs_failed = 0, writes_refused = 0;  // so far

    struct Node {
        bool is_folder = false;
        std::string content;  // now
        std::string durable;  // as of the last sync
        bool was_synced = false;
    };
    using NodePtr = std::shared_ptr<Node>;

  private:
    using Tree = std::map<std::string, NodePtr>;
    Result<void> need_parent(std::string const& path) const;

    Tree now_;
    Tree durable_;
};

}  // namespace dawk::sim
