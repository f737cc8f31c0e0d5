#include "dawk/sim/files.hpp"

#include <algorithm>

namespace dawk::sim {
namespace {

std::string parent_of(std::string const& path) {
    auto const slash = path.find_last_of('/');
    return slash == path.npos ? std::string() : path.substr(0, slash);
}

class MemoryFile final : public rt::File {
  public:
    MemoryFile(MemoryFiles& files, MemoryFiles::NodePtr node)
        : files_(files), node_(std::move(node)) {}

    Result<void> append(std::span<std::string_view const> pieces) override {
        for (auto const piece : pieces) {
            if (piece.size() > files_.free_bytes) {
                ++files_.writes_refused;
                return Errc::no_space;
            }
            if (files_.free_bytes != UINT64_MAX) files_.free_bytes -= piece.size();
            node_->content.append(piece);
        }
        return {};
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
        if (offset >= node_->content.size()) return std::size_t{0};
        return node_->content.copy(buffer.data(), buffer.size(), static_cast<std::size_t>(offset));
    }
    Result<std::uint64_t> size() override { return node_->content.size(); }
    Result<void> preallocate(std::uint64_t) override { return {}; }
    Result<void> sync() override {
        if (files_.failing_syncs > 0) {
            --files_.failing_syncs;
            ++files_.syncs_failed;
            return Errc::io_error;
        }
        node_->durable = node_->content;
        node_->was_synced = true;
        return {};
    }

  private:
    MemoryFiles& files_;
    MemoryFiles::NodePtr node_;
};

}  // namespace

Result<void> MemoryFiles::need_parent(std::string const& path) const {
    auto const parent = parent_of(path);
    if (parent.empty()) return {};
    auto const found = now_.find(parent);
    if (found == now_.end() || !found->second->is_folder) return Errc::not_found;
    return {};
}

Result<std::unique_ptr<rt::File>> MemoryFiles::create(std::string const& path, unsigned) {
    DAWK_TRY_VOID(need_parent(path));
    if (now_.contains(path)) return Errc::exists;
    auto node = std::make_shared<Node>();
    now_[path] = node;
    return std::unique_ptr<rt::File>(std::make_unique<MemoryFile>(*this, std::move(node)));
}

Result<std::unique_ptr<rt::File>> MemoryFiles::open(std::string const& path) {
    auto const found = now_.find(path);
    if (found == now_.end() || found->second->is_folder) return Errc::not_found;
    return std::unique_ptr<rt::File>(std::make_unique<MemoryFile>(*this, found->second));
}

Result<void> MemoryFiles::rename(std::string const& from, std::string const& to) {
    DAWK_TRY_VOID(need_parent(to));
    auto const found = now_.find(from);
    if (found == now_.end()) return Errc::not_found;
    auto node = found->second;
    now_.erase(found);
    now_[to] = std::move(node);
    return {};
}

Result<void> MemoryFiles::link(std::string const& from, std::string const& to) {
    DAWK_TRY_VOID(need_parent(to));
    auto const found = now_.find(from);
    if (found == now_.end()) return Errc::not_found;
    if (now_.contains(to)) return Errc::exists;
    now_[to] = found->second;
    return {};
}

Result<void> MemoryFiles::remove(std::string const& path) {
    return now_.erase(path) == 1 ? Result<void>() : Result<void>(Errc::not_found);
}

Result<void> MemoryFiles::make_folder(std::string const& path, unsigned) {
    DAWK_TRY_VOID(need_parent(path));
    if (now_.contains(path)) return Errc::exists;
    auto node = std::make_shared<Node>();
    node->is_folder = true;
    now_[path] = std::move(node);
    return {};
}

Result<bool> MemoryFiles::exists(std::string const& path) {
    return now_.contains(path);
}

Result<std::vector<std::string>> MemoryFiles::list(std::string const& folder) {
    auto const found = now_.find(folder);
    if (found == now_.end() || !found->second->is_folder) return Errc::not_found;
    std::vector<std::string> names;
    for (auto const& [path, node] : now_) {
        if (parent_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
    }
    return names;
}

Result<void> MemoryFiles::sync_folder(std::string const& given) {
    auto const path = given == "." || given == "/" ? std::string() : given;
    if (failing_syncs > 0) {
        --failing_syncs;
        ++syncs_failed;
        return Errc::io_error;
    }
    if (!path.empty() && !now_.contains(path)) return Errc::not_found;
    std::erase_if(durable_, [&](auto const& entry) {
        return parent_of(entry.first) == path && !now_.contains(entry.first);
    });
    for (auto const& [name, node] : now_) {
        if (parent_of(name) == path) durable_[name] = node;
    }
    return {};
}

void MemoryFiles::power_cut() {
    now_.clear();
    for (auto const& [path, node] : durable_) {
        // A name whose folder is not durable cannot be found again.
        auto const parent = parent_of(path);
        if (!parent.empty() && !now_.contains(parent)) continue;
        auto survivor = std::make_shared<Node>(*node);
        survivor->content = node->durable;
        now_[path] = survivor;
    }
    durable_ = now_;
}

void MemoryFiles::put(std::string const& path, std::string content) {
    for (std::size_t slash = path.find('/'); slash != path.npos;
         slash = path.find('/', slash + 1)) {
        auto const folder = path.substr(0, slash);
        if (folder.empty() || now_.contains(folder)) continue;
        auto node = std::make_shared<Node>();
        node->is_folder = true;
        now_[folder] = node;
        durable_[folder] = node;
    }
    auto node = std::make_shared<Node>();
    node->content = node->durable = std::move(content);
    node->was_synced = true;
    now_[path] = node;
    durable_[path] = node;
}

bool MemoryFiles::is_durable(std::string const& path) const {
    auto const found = durable_.find(path);
    if (found == durable_.end() || found->second->durable != found->second->content) return false;
    for (auto parent = parent_of(path); !parent.empty(); parent = parent_of(parent))
        if (!durable_.contains(parent)) return false;
    return true;
}

std::vector<std::string> MemoryFiles::paths() const {
    std::vector<std::string> out;
    for (auto const& [path, node] : now_)
        if (!node->is_folder) out.push_back(path);
    return out;
}

Result<std::string> MemoryFiles::get(std::string const& path) const {
    auto const found = now_.find(path);
    if (found == now_.end() || found->second->is_folder) return Errc::not_found;
    return found->second->content;
}

}  // namespace dawk::sim
