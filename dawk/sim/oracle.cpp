#include "dawk/sim/oracle.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/routing/routing.hpp"
#include "dawk/sim/letters.hpp"
#include "dawk/spool/content.hpp"

namespace dawk::sim {
namespace {

using envelope::Event;
using namespace std::chrono_literals;

std::string lower(mail::Address const& address) {
    return ascii::to_lower(address.text());
}

std::string octets_of(spool::ContentPtr const& content) {
    auto const memory = std::dynamic_pointer_cast<spool::MemoryContent const>(content);
    return memory ? *memory->octets() : std::string();
}

}  // namespace

std::string_view to_string(Invariant invariant) noexcept {
    switch (invariant) {
        case Invariant::synced_before_reply:
            return "1: a 250 comes after the sync";
        case Invariant::ends_exactly_once:
            return "2: every accepted recipient ends exactly once";
        case Invariant::no_duplicates:
            return "3: delivered twice only inside the window";
        case Invariant::clean_lines:
            return "4: no bare CR or LF, only CRLF.CRLF ends a message";
        case Invariant::tls_where_required:
            return "5: no octet of mail outside of TLS where it is required";
        case Invariant::bounded_memory:
            return "6: memory is bounded by configuration";
        case Invariant::no_spreading_harm:
            return "7: one bad message, peer or zone harms only itself";
        case Invariant::readable_records:
            return "8: what was written can be read";
        case Invariant::retries_wait:
            return "retries keep to the schedule";
        case Invariant::progress:
            return "work makes progress";
    }
    return "?";
}

void Oracle::violated(Invariant invariant, std::string text) {
    if (trace_.is_on()) trace_.say("ORACLE", std::string(to_string(invariant)) + ": " + text);
    if (violation_) return;
    violation_ = Violation{invariant, std::move(text), shown_time(world_), world_.events()};
}

void Oracle::healed(Duration patience) {
    must_arrive_before_ = world_.wall() + std::chrono::duration_cast<Millis>(patience);
}

// ---- clients ------------------------------------------------------------------------------------

void Oracle::sent(Promise promise) {
    ++counts_.letters;
    auto token = promise.token;
    known_[token].promise = std::move(promise);
}

void Oracle::acknowledged(std::string const& token) {
    auto& known = known_[token];
    ++counts_.acknowledged;
    known.is_acknowledged = true;
    if (trace_.is_on()) trace_.say("client", "has its 250 for " + token);
    if (!known.is_durable)
        violated(Invariant::synced_before_reply,
                 known.promise.node + " said 250 to " + token + " before it was on disk");
}

// ---- what machines write ------------------------------------------------------------------------

void Oracle::committed(std::string const& node, spool::Batch const& batch,
                       MemoryFiles const& files) {
    ++counts_.commits;
    auto& book = books_[node];
    for (auto const& insert : batch.inserts) inserted(book, insert);
    for (auto const& one : batch.events) event(node, book, one, batch, files);
    for (auto const& envelope : batch.removes) removed(node, book, envelope->id);
}

void Oracle::inserted(NodeBook& book, spool::Batch::Insert const& insert) {
    auto const& envelope = *insert.envelope;
    Letter letter;
    auto const content = octets_of(insert.content);
    letter.token = token_of(content);
    auto const report = read_report(content);
    for (auto const& fate : report.fates)
        if (fate.action == "failed") letter.tells_of.emplace_back(report.token, fate.recipient);
    letter.sender = lower(envelope.reverse_path);
    letter.expires = envelope.expires;
    for (auto const& recipient : envelope.recipients) {
        auto address = lower(recipient.address);
        ++book.hops[{letter.token, address}].inserted;
        bool const wants = recipient.notify.wants_failure() || envelope.reverse_path.is_null();
        letter.fates.push_back({std::move(address), false, wants, false, {}});
    }
    auto const known = known_.find(letter.token);
    if (known != known_.end()) known->second.is_durable = true;
    book.letters[envelope.id] = std::move(letter);
}

void Oracle::event(std::string const& node, NodeBook& book, Event const& event,
                   spool::Batch const& batch, MemoryFiles const& files) {
    auto const found = book.letters.find(event.id);
    if (found == book.letters.end()) return;
    auto& letter = found->second;
    if (event.kind == Event::Kind::dsn_made) return check_report(node, letter, event, batch);
    auto const address = ascii::to_lower(event.recipient);
    auto const fate = std::ranges::find(letter.fates, address, &Letter::Fate::address);
    if (fate == letter.fates.end()) return;
    switch (event.kind) {
        case Event::Kind::held:
        case Event::Kind::released:
            fate->is_held = event.kind == Event::Kind::held;
            fate->next_attempt = {};
            break;
        case Event::Kind::deferred:
            ++counts_.deferred;
            check_held(node, *fate);
            check_retry(node, book, *fate, event);
            fate->next_attempt = event.next_attempt;
            if (event.outcome.stage == "maildir") {  // it may lie there unsynced, and comes again
                ++book.hops[{letter.token, address}].windows;
                ++counts_.folder_windows;
            }
            break;
        case Event::Kind::delivered:
        case Event::Kind::relayed:
            check_held(node, *fate);
            check_retry(node, book, *fate, event);
            check_evidence(node, book, letter, event, files);
            ended(node, letter, *fate, event, batch);
            break;
        case Event::Kind::removed:
            removed_by_hand(letter, address);
            ended(node, letter, *fate, event, batch);
            break;
        case Event::Kind::failed:
        case Event::Kind::expired:
            ended(node, letter, *fate, event, batch);
            break;
        default:
            break;
    }
}

// Nobody is told of it (RFC 3461 knows no such report), but the operator.
void Oracle::removed_by_hand(Letter const& letter, std::string const& address) {
    removed_.emplace(letter.token, address);
    removed_.insert(letter.tells_of.begin(), letter.tells_of.end());
}

void Oracle::check_held(std::string const& node, Letter::Fate const& fate) {
    if (fate.is_held)
        violated(Invariant::retries_wait,
                 node + " tried " + fate.address + ", which an operator holds");
}

void Oracle::ended(std::string const& node, Letter const& letter, Letter::Fate& fate,
                   Event const& event, spool::Batch const& batch) {
    auto const what = letter.token + " for " + fate.address;
    if (trace_.is_on())
        trace_.say(node, std::string(envelope::to_string(event.kind)) + " " + what + " (" +
                             event.outcome.status + " " + event.outcome.text + ")");
    if (fate.is_final)
        violated(Invariant::ends_exactly_once, node + " ended " + what + " a second time");
    fate.is_final = true;
    if (event.kind == Event::Kind::delivered) ++counts_.delivered;
    if (event.kind == Event::Kind::relayed) ++counts_.relayed;
    if (event.kind != Event::Kind::failed && event.kind != Event::Kind::expired) return;
    ++(event.kind == Event::Kind::failed ? counts_.failed : counts_.expired);
    if (event.kind == Event::Kind::failed && event.outcome.code >= 400 && event.outcome.code < 500)
        violated(Invariant::ends_exactly_once, node + " gave up " + what + " after a 4yz");
    if (event.kind == Event::Kind::expired && must_arrive_before_ &&
        letter.expires > *must_arrive_before_)
        violated(Invariant::progress, node + " let " + what + " expire though all was well");
    bool const told = std::ranges::any_of(batch.events, [&](Event const& other) {
        return other.kind == Event::Kind::dsn_made && other.id == event.id;
    });
    if (fate.wants_report && !told)
        violated(Invariant::ends_exactly_once, node + " gave up " + what + " and told nobody");
}

// What it calls delivered, somebody else must know of.
void Oracle::check_evidence(std::string const& node, NodeBook& book, Letter const& letter,
                            Event const& event, MemoryFiles const& files) {
    auto const address = ascii::to_lower(event.recipient);
    auto& hop = book.hops[{letter.token, address}];
    ++hop.recorded;
    auto const what = letter.token + " for " + address;
    if (event.kind == Event::Kind::relayed || event.destination.starts_with("lmtp:")) {
        if (hop.recorded > hop.handed)
            violated(Invariant::ends_exactly_once,
                     node + " recorded " + what + " as handed over, but nobody took it");
        return;
    }
    constexpr std::string_view before = "stored as ";
    if (!event.outcome.text.starts_with(before)) return;
    auto const name = event.outcome.text.substr(before.size());
    auto const at = address.find('@');
    auto const box = "mail/" + address.substr(at + 1) + "/" + address.substr(0, at);
    if (!files.is_durable(box + "/new/" + name) && !files.is_durable(box + "/.Junk/new/" + name))
        violated(Invariant::ends_exactly_once,
                 node + " recorded " + what + " as delivered before its file was on disk");
}

// RFC 5321 §6.1: there are no reports about mail without a reverse-path, but to the postmaster.
void Oracle::check_report(std::string const& node, Letter const& letter, Event const& event,
                          spool::Batch const& batch) {
    ++counts_.reports;
    auto const to = ascii::to_lower(event.recipient);
    if (trace_.is_on()) trace_.say(node, "reports " + letter.token + " to " + to);
    bool const is_postmaster = to.starts_with("postmaster@");
    if (letter.sender.empty()) {
        ++counts_.double_reports;
        if (!is_postmaster)
            violated(Invariant::ends_exactly_once, node + " sent a report about " + letter.token +
                                                       ", which has no sender, to <" + to + ">");
    }
    for (auto const& insert : batch.inserts)
        if (insert.envelope->id == event.related && !insert.envelope->reverse_path.is_null())
            violated(Invariant::ends_exactly_once, node + " sent a report that has a sender");
}

void Oracle::check_retry(std::string const& node, NodeBook const& book, Letter::Fate const& fate,
                         Event const& event) {
    if (fate.next_attempt == WallTime{} || book.clock_stepped || book.retried_by_hand) return;
    auto const began = event.at - Millis(event.outcome.took_ms);
    if (began + 2s < fate.next_attempt)
        violated(Invariant::retries_wait,
                 node + " tried " + fate.address + " " +
                     std::to_string((fate.next_attempt - began).count() / 1000) +
                     " s before its time");
}

void Oracle::removed(std::string const& node, NodeBook& book, MessageId id) {
    auto const found = book.letters.find(id);
    if (found == book.letters.end()) return;
    for (auto const& fate : found->second.fates)
        if (!fate.is_final)
            violated(Invariant::ends_exactly_once, node + " removed " + found->second.token +
                                                       " while " + fate.address + " had not ended");
    book.letters.erase(found);
}

// ---- what machines say --------------------------------------------------------------------------

void Oracle::handed_over(std::string const& node, TappedTransaction const& what,
                         std::string const& recipient) {
    auto& hop = books_[node].hops[{what.token, recipient}];
    ++hop.handed;
    hop.last_handed = world_.steady();
    if (trace_.is_on()) trace_.say(node, "read the 250 for " + what.token + " to " + recipient);
    if (hop.handed > hop.inserted + hop.windows)
        violated(Invariant::no_duplicates,
                 node + " handed over " + what.token + " for " + recipient + " again");
}

void Oracle::reply_lost(std::string const& node, TappedTransaction const& what,
                        std::string const& recipient) {
    ++books_[node].hops[{what.token, recipient}].lost_replies;
    ++counts_.lost_replies;
    if (trace_.is_on()) trace_.say(node, "lost the reply to " + what.token + " for " + recipient);
}

void Oracle::in_the_clear(std::string const& node, std::string const& recipient) {
    for (auto const& domain : tls_domains_)
        if (recipient.ends_with("@" + domain))
            violated(Invariant::tls_where_required,
                     node + " spoke of " + recipient + " outside of TLS");
}

void Oracle::stray_newline(std::string const& node) {
    violated(Invariant::clean_lines, node + " sent a bare CR or LF");
}

void Oracle::clock_stepped(std::string const& node) {
    books_[node].clock_stepped = true;
}

void Oracle::retried_by_hand(std::string const& node) {
    books_[node].retried_by_hand = true;
}

void Oracle::spool_trouble(std::string const& node, bool begins) {
    auto& book = books_[node];
    if (begins) {
        ++book.troubles;
        return;
    }
    if (book.troubles > 0) --book.troubles;
    book.last_trouble = world_.steady();
}

void Oracle::went_down(std::string const& node, bool crashed) {
    if (crashed) ++counts_.crashes;
    if (trace_.is_on()) trace_.say(node, crashed ? "loses its power" : "has stopped");
    auto& book = books_[node];
    book.went_down = world_.steady();
    book.went_down_in_trouble = book.troubles > 0;
}

// What was handed over and is not recorded now will come again; there must be a reason.
void Oracle::came_up(std::string const& node, MemoryFiles const& files) {
    auto& book = books_[node];
    if (trace_.is_on()) trace_.say(node, "comes up");
    std::vector<std::pair<std::string, std::string>> mailboxes;
    read_mailboxes(files, mailboxes);
    std::map<Key, std::uint32_t> stored;
    for (auto const& [recipient, content] : mailboxes) ++stored[{token_of(content), recipient}];
    for (auto& [key, hop] : book.hops) {
        auto const files_there = stored.find(key);
        auto const given = hop.handed + (files_there == stored.end() ? 0 : files_there->second);
        if (given <= hop.recorded + hop.windows) continue;
        auto const fresh = given - hop.recorded - hop.windows;
        hop.windows += fresh;
        counts_.crash_windows += fresh;
        bool const was_recent = book.went_down - hop.last_handed <= window_;
        bool const was_trouble =
            book.went_down_in_trouble || (book.last_trouble != SteadyTime::min() &&
                                          book.last_trouble + window_ >= hop.last_handed);
        if (files_there == stored.end() && !was_recent && !was_trouble)
            violated(Invariant::no_duplicates, node + " had not recorded " + key.first + " for " +
                                                   key.second + " long after its 250");
    }
}

bool Oracle::is_pending(std::string const& node) const {
    auto const book = books_.find(node);
    return book != books_.end() && !book->second.letters.empty();
}

}  // namespace dawk::sim
