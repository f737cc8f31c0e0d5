// DiskImage: the state of a disk in memory, twice: what programs see now, and what is certain to be
// there after the power went. Changed by steps only, so that a recorded run can be cut anywhere:
//
//     DiskImage disk;
//     for (auto const& step : recorded) disk.apply(step);       // up to the cut
//     DiskImage const after = disk.after_power_cut(how, chance);   // what the next start finds
//
// What POSIX promises and no more: octets of a file are safe after a sync of it, names after a sync
// of their folder; all else may be there, be missing or be torn, in any order. A sync that fails
// loses what it was to write and the next one says yes (as Linux does). Test code, never in the
// product.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dawk::spool_rocks::test {

// Numbers that follow from a seed.
class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }
    bool half() { return (next() & 1U) != 0; }

  private:
    std::uint64_t state_;
};

using Node = std::uint32_t;  // a file or folder, whatever its names; 0 is the root

struct Step {
    enum class Kind : std::uint8_t {
        make_folder,  // node `target` as `name` in folder `node`
        create,       // likewise a file
        link,         // likewise one more name of a file
        remove,       // `name` from folder `node`
        rename,       // `name` to `data` in folder `node`
        append,       // `data` to file `node`
        truncate,     // file `node` to `size`
        sync,         // file `node`
        failed_sync,
        sync_folder,  // folder `node`
        failed_sync_folder,
        // Nothing that changes the disk; marks for a reader of the record.
        mark,
    };
    Kind kind{};
    Node node = 0;
    Node target = 0;
    std::uint64_t size = 0;
    std::string name, data;
};

inline char const* name_of(Step::Kind kind) {
    constexpr char const* names[] = {"make_folder",
                                     "create",
                                     "link",
                                     "remove",
                                     "rename",
                                     "append",
                                     "truncate",
                                     "sync",
                                     "failed_sync",
                                     "sync_folder",
                                     "failed_sync_folder",
                                     "mark"};
    return names[static_cast<std::size_t>(kind)];
}

class DiskImage {
  public:
    enum class Cut {
        nothing_unsynced,     // as little as is promised
        everything,           // as if only the process had died
        names_but_no_octets,  // new names with empty files: what delayed allocation does
        any,                  // each file, block and name by chance
    };

    struct File {
        std::string octets;
        std::size_t safe = 0;  // so many are on disk as they are
        std::string beyond;    // and these behind them, until a truncation is synced
        std::vector<std::pair<std::size_t, std::size_t>> lost;  // [from, to): a sync failed
    };
    struct NameChange {
        std::string removed, added;  // either may be empty
        Node node = 0;
    };
    struct Folder {
        std::map<std::string, Node> names, safe_names;
        std::vector<NameChange> unsynced;
    };

    DiskImage() { folders_[0]; }

    // ---- Looking. Paths begin with "/"; nothing: there is no such thing.
    File const* file(Node node) const { return find(files_, node); }
    Folder const* folder(Node node) const { return find(folders_, node); }
    bool lookup(std::string_view path, Node& out) const {
        out = 0;
        while (!path.empty()) {
            path.remove_prefix(1);
            auto const part = path.substr(0, path.find('/'));
            path.remove_prefix(part.size());
            if (part.empty()) continue;
            auto const* const in = folder(out);
            if (in == nullptr) return false;
            auto const found = in->names.find(std::string(part));
            if (found == in->names.end()) return false;
            out = found->second;
        }
        return true;
    }
    Node next_node() const noexcept { return next_; }

    // ---- Changing.
    void apply(Step const& step) {
        switch (step.kind) {
            case Step::Kind::make_folder:
                folders_[step.target];
                return add_name(step);
            case Step::Kind::create:
                files_[step.target];
                return add_name(step);
            case Step::Kind::link:
                return add_name(step);
            case Step::Kind::remove:
                folders_[step.node].names.erase(step.name);
                folders_[step.node].unsynced.push_back({step.name, {}, 0});
                return;
            case Step::Kind::rename:
                return rename(folders_[step.node], step.name, step.data);
            case Step::Kind::append:
                files_[step.node].octets += step.data;
                return;
            case Step::Kind::truncate:
                return truncate(files_[step.node], step.size);
            case Step::Kind::sync:
                files_[step.node].safe = files_[step.node].octets.size();
                files_[step.node].beyond.clear();
                return;
            case Step::Kind::failed_sync:
                return lose(files_[step.node]);
            case Step::Kind::sync_folder:
                folders_[step.node].safe_names = folders_[step.node].names;
                folders_[step.node].unsynced.clear();
                return;
            case Step::Kind::failed_sync_folder:
            case Step::Kind::mark:
                return;
        }
    }

    DiskImage after_power_cut(Cut how, Chance& chance) const {
        DiskImage out;
        out.next_ = next_;
        keep(out, 0, how, chance);
        return out;
    }

    // Harm on purpose, beneath everything.
    std::string& octets_of(Node node) { return files_[node].octets; }
    void forget(Node folder_node, std::string const& name) {
        folders_[folder_node].names.erase(name);
        folders_[folder_node].safe_names.erase(name);
    }

  private:
    template <class Map>
    static typename Map::mapped_type const* find(Map const& map, Node node) {
        auto const found = map.find(node);
        return found == map.end() ? nullptr : &found->second;
    }
    void add_name(Step const& step) {
        folders_[step.node].names[step.name] = step.target;
        folders_[step.node].unsynced.push_back({{}, step.name, step.target});
        next_ = std::max(next_, step.target + 1);
    }
    static void rename(Folder& in, std::string const& from, std::string const& to) {
        Node const node = in.names[from];
        in.names.erase(from);
        in.names[to] = node;
        in.unsynced.push_back({from, to, node});
    }
    static void truncate(File& file, std::size_t size) {
        if (size < file.safe) {
            file.beyond = file.octets.substr(size, file.safe - size) + file.beyond;
            file.safe = size;
        }
        file.octets.resize(size);
        for (auto& [from, to] : file.lost) to = std::max(from, std::min(to, size));
    }
    static void lose(File& file) {
        if (file.safe < file.octets.size()) {
            file.lost.emplace_back(file.safe, file.octets.size());
        }
        file.safe = file.octets.size();  // the next sync has nothing to do for them
        file.beyond.clear();
    }

    void keep(DiskImage& out, Node node, Cut how, Chance& chance) const {
        auto const* const here = folder(node);
        auto const names = surviving_names(*here, how, chance);
        auto& kept = out.folders_[node];
        kept.names = kept.safe_names = names;
        for (auto const& [name, child] : names) {
            if (folder(child) != nullptr) {
                keep(out, child, how, chance);
            } else if (!out.files_.contains(child)) {
                auto& copy = out.files_[child];
                copy.octets = surviving_octets(*file(child), how, chance);
                copy.safe = copy.octets.size();
            }
        }
    }
    static std::map<std::string, Node> surviving_names(Folder const& in, Cut how, Chance& chance) {
        if (how == Cut::everything || how == Cut::names_but_no_octets) return in.names;
        auto names = in.safe_names;
        if (how == Cut::nothing_unsynced) return names;
        // In order up to somewhere, as a journal keeps them; or each by itself.
        bool const is_journal = chance.half();
        auto const end = is_journal ? chance.below(in.unsynced.size() + 1) : in.unsynced.size();
        for (std::size_t i = 0; i < end; ++i) {
            if (!is_journal && chance.half()) continue;
            auto const& change = in.unsynced[i];
            if (!change.removed.empty()) names.erase(change.removed);
            if (!change.added.empty()) names[change.added] = change.node;
        }
        return names;
    }
    static std::string surviving_octets(File const& file, Cut how, Chance& chance) {
        std::string out = file.octets;
        for (auto const& [from, to] : file.lost) {
            for (auto i = from; i < to; ++i) out[i] = '\0';
        }
        if (how == Cut::everything) return file.octets;  // the process died: the kernel has it all
        bool const is_safe = file.safe == out.size() && file.beyond.empty();
        if (is_safe) return out;
        auto const old = out.substr(0, file.safe) + file.beyond;
        if (how != Cut::any) return old;
        switch (chance.below(5)) {
            case 0:
                return old;
            case 1:
                return out;
            case 2:
                return torn(std::move(out), file.safe, chance);
            case 3: {
                auto const whole = out.size();
                out = torn(std::move(out), file.safe, chance);
                out.resize(whole, chance.half() ? '\0' : static_cast<char>(chance.next()));
                return out;
            }
            default:
                return blocks(std::move(out), file.safe, chance);
        }
    }
    // A prefix that ends at any octet.
    static std::string torn(std::string octets, std::size_t safe, Chance& chance) {
        octets.resize(safe + chance.below(octets.size() - safe + 1));
        return octets;
    }
    // Sectors that were written in any order: those that were not are empty.
    static std::string blocks(std::string octets, std::size_t safe, Chance& chance) {
        constexpr std::size_t sector = 512;
        for (std::size_t at = safe; at < octets.size();) {
            auto const end = std::min(octets.size(), (at / sector + 1) * sector);
            if (chance.half())
                std::fill(octets.begin() + static_cast<std::ptrdiff_t>(at),
                          octets.begin() + static_cast<std::ptrdiff_t>(end), '\0');
            at = end;
        }
        return octets;
    }

    std::map<Node, File> files_;
    std::map<Node, Folder> folders_;
    Node next_ = 1;
};

}  // namespace dawk::spool_rocks::test
