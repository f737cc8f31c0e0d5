// The oracle's view of where letters arrive, and of the end.
#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/sim/letters.hpp"
#include "dawk/sim/oracle.hpp"

namespace dawk::sim {

std::uint32_t Oracle::allowed(Key const& key) const {
    std::uint32_t sum = 1;
    for (auto const& [node, book] : books_) {
        auto const hop = book.hops.find(key);
        if (hop != book.hops.end()) sum += hop->second.windows + hop->second.lost_replies;
    }
    return sum;
}

void Oracle::accepted(std::string const& remote, std::string const& recipient,
                      std::string const& content) {
    auto const report = read_report(content);
    if (trace_.is_on()) trace_.say(remote, "took " + token_of(content) + " for " + recipient);
    for (auto const& fate : report.fates)
        if (fate.action == "failed") ++arrivals_[{report.token, fate.recipient}].reported_failed;
    arrived(remote, recipient, content);
}

void Oracle::arrived(std::string const& where, std::string const& recipient,
                     std::string const& content) {
    Key const key{token_of(content), recipient};
    auto& arrival = arrivals_[key];
    ++arrival.times;
    if (arrival.times > 1) ++counts_.duplicates;
    auto const known = known_.find(key.first);
    if (known == known_.end()) return;
    if (!known->second.promise.body.empty() && body_of(content) != known->second.promise.body)
        violated(Invariant::no_spreading_harm,
                 key.first + " came to " + where + " with another body than was sent");
}

// (recipient, content) of each file below mail/<domain>/<local>/new.
void Oracle::read_mailboxes(MemoryFiles const& files,
                            std::vector<std::pair<std::string, std::string>>& out) const {
    for (auto const& path : files.paths()) {
        if (!path.starts_with("mail/")) continue;
        auto const domain_end = path.find('/', 5);
        if (domain_end == path.npos) continue;
        auto const local_end = path.find('/', domain_end + 1);
        if (local_end == path.npos) continue;
        bool const is_junk = path.compare(local_end, 11, "/.Junk/new/") == 0;
        if (!is_junk && path.compare(local_end, 5, "/new/") != 0) continue;
        auto const recipient = path.substr(domain_end + 1, local_end - domain_end - 1) + "@" +
                               path.substr(5, domain_end - 5);
        auto const content = files.get(path);
        if (content) out.emplace_back(recipient, *content);
    }
}

void Oracle::finished(std::string const& node, MemoryFiles const& files) {
    std::vector<std::pair<std::string, std::string>> mailboxes;
    read_mailboxes(files, mailboxes);
    for (auto const& [recipient, content] : mailboxes) accepted(node, recipient, content);
    for (auto const& path : files.paths())
        if (path.find("/.Junk/new/") != path.npos) world_.tally().add(Happening::quarantined);
    world_.tally().add(Happening::file_sync_failed, files.syncs_failed);
    world_.tally().add(Happening::file_system_full, files.writes_refused);
    for (auto const& [id, letter] : books_[node].letters)
        violated(Invariant::ends_exactly_once,
                 node + " still has " + letter.token + " (" + id.text() + ")");
}

void Oracle::judge() {
    for (auto const& [key, arrival] : arrivals_)
        if (arrival.times > allowed(key))
            violated(Invariant::no_duplicates,
                     key.first + " came " + std::to_string(arrival.times) + " times to " +
                         key.second + ", where " + std::to_string(allowed(key)) +
                         " can be explained");
    for (auto const& [token, known] : known_)
        if (known.is_acknowledged) judge_promise(known);
}

void Oracle::judge_promise(Known const& known) {
    auto const& promise = known.promise;
    for (auto const& recipient : promise.recipients) {
        Key const key{promise.token, recipient.address};
        auto const found = arrivals_.find(key);
        auto const arrival = found == arrivals_.end() ? Arrival{} : found->second;
        auto const alias = arrivals_.find({promise.token, recipient.given});
        bool const is_told = arrival.reported_failed > 0 ||
                             (alias != arrivals_.end() && alias->second.reported_failed > 0);
        bool const is_removed =
            removed_.contains(key) || removed_.contains({promise.token, recipient.given});
        if (arrival.times == 0 && !is_told && !recipient.never && !is_removed)
            violated(Invariant::ends_exactly_once, promise.token + " for " + recipient.address +
                                                       ", accepted by " + promise.node +
                                                       ", is lost");
        bool const both = arrival.times > 0 && arrival.reported_failed > 0;
        if (both && allowed(key) == 1)
            violated(Invariant::ends_exactly_once, promise.token + " for " + recipient.address +
                                                       " arrived and was reported as failed");
    }
}

}  // namespace dawk::sim
