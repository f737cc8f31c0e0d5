#include "dawk/mta/maildir.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/mail/trace.hpp"

namespace dawk::mta {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_octet(std::string& out, char escape, char c) {
    auto const octet = static_cast<unsigned char>(c);
    out += escape;
    out += hex_digits[octet >> 4U];
    out += hex_digits[octet & 15U];
}

void append_component(std::string& out, std::string_view text) {
    for (char const c : text) {
        bool const leading_dot = c == '.' && (out.empty() || out.back() == '/');
        if (c == '/' || c == '%' || ascii::is_control(c) || leading_dot) {
            append_octet(out, '%', c);
        } else {
            out += c;
        }
    }
}

std::string parent_of(std::string const& path) {
    auto const slash = path.find_last_of('/');
    return slash == path.npos ? std::string() : path.substr(0, slash);
}

// Makes a folder and those above it.
Result<void> make_folders(rt::Files& files, std::string const& path) {
    auto made = files.make_folder(path, 0700);
    auto const parent = parent_of(path);
    if (!made && made.error() == make_error_code(Errc::not_found) && !parent.empty()) {
        DAWK_TRY_VOID(make_folders(files, parent));
        made = files.make_folder(path, 0700);
    }
    if (!made) {
        if (made.error() == make_error_code(Errc::exists)) return {};
        return made.error();
    }
    return {};
}

Result<void> make_inside(rt::Files& files, std::string const& path) {
    auto made = files.make_folder(path, 0700);
    if (!made && made.error() == make_error_code(Errc::exists)) return {};
    return made;
}

// Mail in a folder that is lost is lost. All folders above are synced, not only those made now: an
// earlier try may have made them and then failed. Above what is ours we may not even read.
Result<void> sync_with_parents(rt::Files& files, std::string const& folder) {
    DAWK_TRY_VOID(files.sync_folder(folder));
    for (auto path = folder; path != "." && path != "/";) {
        auto const slash = path.find_last_of('/');
        path = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
        auto const synced = files.sync_folder(path);
        if (!synced && synced.error() == make_error_code(Errc::denied)) break;
        if (!synced) return synced;
    }
    return {};
}

// Maildir++: a folder within a mailbox begins with a dot and says by a file that it is none of its
// own.
Result<void> mark_subfolder(rt::Files& files, std::string const& folder) {
    auto const name = std::string_view(folder).substr(folder.find_last_of('/') + 1);
    if (name.size() < 2 || name.front() != '.') return {};
    auto const made = files.create(folder + "/maildirfolder", 0600);
    if (!made && made.error() != make_error_code(Errc::exists)) return made.error();
    return {};
}

// tmp is made when all else is on disk: its presence says so.
Result<void> make_maildir(rt::Files& files, std::string const& folder) {
    DAWK_TRY_VOID(make_folders(files, folder));
    DAWK_TRY_VOID(mark_subfolder(files, folder));
    DAWK_TRY_VOID(make_inside(files, folder + "/cur"));
    DAWK_TRY_VOID(make_inside(files, folder + "/new"));
    DAWK_TRY_VOID(sync_with_parents(files, folder));
    DAWK_TRY_VOID(make_inside(files, folder + "/tmp"));
    return files.sync_folder(folder);
}

std::string tmp_path(MaildirItem const& item) {
    return item.folder + "/tmp/" + item.name;
}
std::string new_folder(MaildirItem const& item) {
    return item.folder + "/new";
}

// An error of the clean-up changes nothing: the item has failed already, and readers of a maildir
// remove old files below tmp/ themselves.
void fail(rt::Files& files, MaildirItem& item, ErrorCode error) {
    item.error = error;
    item.file.reset();
    (void)files.remove(tmp_path(item));
}

void write(rt::Files& files, MaildirItem& item) {
    if (item.error) return fail(files, item, *item.error);
    if (item.file) return;
    auto file = start_maildir_file(files, item.folder, item.name);
    if (!file) {
        item.error = file.error();
        return;
    }
    if (auto const written = (*file)->append(item.pieces); !written) {
        return fail(files, item, written.error());
    }
    item.file = std::move(*file);
}

void sync(rt::Files& files, std::vector<MaildirItem>& items) {
    std::vector<std::unique_ptr<rt::File>> open;
    for (auto& item : items) {
        if (!item.error) open.push_back(std::move(item.file));
    }
    auto const synced = files.sync_files(open);
    if (synced) return;
    for (auto& item : items) {
        if (!item.error) fail(files, item, synced.error());
    }
}

void publish(rt::Files& files, std::vector<MaildirItem>& items) {
    std::vector<std::string> folders;
    for (auto& item : items) {
        if (item.error) continue;
        auto target = new_folder(item);
        auto const moved = files.rename(tmp_path(item), target + '/' + item.name);
        if (!moved) {
            fail(files, item, moved.error());
            continue;
        }
        folders.push_back(std::move(target));
    }
    std::sort(folders.begin(), folders.end());
    folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
    if (mutated(Mutation::forget_folder_sync)) return;
    auto const synced = files.sync_folders(folders);
    if (synced) return;
    // The mail is visible but may not outlast a power cut: it is delivered once more rather than
    // lost.
    for (auto& item : items) {
        if (!item.error) item.error = synced.error();
    }
}

}  // namespace

std::string maildir_folder(std::string_view pattern, mail::Address const& address,
                           std::string_view detail) {
    std::string out;
    while (!pattern.empty()) {
        struct Placeholder {
            std::string_view name, value;
        };
        Placeholder const known[] = {
            {"{domain}", address.domain}, {"{local}", address.local}, {"{detail}", detail}};
        auto const hit = std::find_if(std::begin(known), std::end(known),
                                      [&](auto const& p) { return pattern.starts_with(p.name); });
        if (hit != std::end(known)) {
            append_component(out, hit->value);
            pattern.remove_prefix(hit->name.size());
        } else {
            out += pattern.front();
            pattern.remove_prefix(1);
        }
    }
    while (out.size() > 1 && out.back() == '/') out.pop_back();  // an empty {detail} at the end
    return out;
}

std::string_view detail_of(mail::Address const& address, mail::Address const& original) noexcept {
    std::string_view const given = original.local;
    bool const extends = given.size() > address.local.size() + 1 &&
                         ascii::istarts_with(given, address.local) &&
                         given[address.local.size()] == '+' && original.domain == address.domain;
    return extends ? given.substr(address.local.size() + 1) : std::string_view();
}

std::string maildir_name(WallTime now, std::uint64_t random, std::uint64_t counter,
                         std::string_view host, std::uint64_t size) {
    auto const ms = to_millis(now);
    auto name = std::to_string(ms / 1000) + ".M" + std::to_string(ms % 1000 * 1000) + "R";
    for (unsigned shift = 64; shift > 0; shift -= 4)
        name += hex_digits[(random >> (shift - 4)) & 15U];
    name += "Q" + std::to_string(counter) + ".";
    for (char const c : host) {
        // The convention: "/" as \057 and ":" as \072.
        if (c == '/') {
            name += "\\057";
        } else if (c == ':') {
            name += "\\072";
        } else {
            name += c;
        }
    }
    auto const octets = std::to_string(size);
    return name + ",S=" + octets + ",W=" + octets;
}

std::string delivery_fields(mail::Address const& reverse_path, mail::Address const& recipient) {
    return mail::return_path_field(reverse_path) + mail::delivered_to_field(recipient);
}

void append_without_return_path(std::string_view content, std::vector<std::string_view>& pieces) {
    constexpr std::string_view name = "return-path";
    std::size_t kept = 0;  // from here on nothing is in pieces yet
    std::size_t at = 0;
    bool in_field = false;
    while (at < content.size()) {
        auto const end = std::min(content.find('\n', at), content.size() - 1) + 1;
        auto const line = content.substr(at, end - at);
        if (ascii::trim(line).empty() && !ascii::is_space(line.front())) break;  // the header's end
        bool const continues = in_field && ascii::is_space(line.front());
        auto const rest = ascii::istarts_with(line, name) ? ascii::trim(line.substr(name.size()))
                                                          : std::string_view();
        in_field = continues || rest.starts_with(':');
        if (in_field) {
            if (at > kept) pieces.push_back(content.substr(kept, at - kept));
            kept = end;
        }
        at = end;
    }
    if (kept < content.size()) pieces.push_back(content.substr(kept));
}

std::uint64_t MaildirItem::size() const noexcept {
    std::uint64_t sum = 0;
    for (auto const piece : pieces) sum += piece.size();
    return sum;
}

Result<std::unique_ptr<rt::File>> start_maildir_file(rt::Files& files, std::string const& folder,
                                                     std::string const& name) {
    auto const path = folder + "/tmp/" + name;
    auto file = files.create(path, 0600);
    if (file || file.error() != make_error_code(Errc::not_found)) return file;
    DAWK_TRY_VOID(make_maildir(files, folder));
    return files.create(path, 0600);
}

void deliver_to_maildirs(rt::Files& files, std::vector<MaildirItem>& items) {
    for (auto& item : items) write(files, item);
    sync(files, items);
    publish(files, items);
}

}  // namespace dawk::mta
