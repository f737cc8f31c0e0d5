// Export and import.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/envelope/codec.hpp"
#include "dawk/mail/address_list.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/rt/run.hpp"
#include "dawk/spool/due_entries.hpp"
#include "dawk/spool_rocks/copy_content.hpp"
#include "dawk/spool_rocks/tools.hpp"

namespace dawk::spool_rocks {

Task<Result<spool::ContentPtr>> copy_content(spool::Spool& into, MessageId id,
                                             spool::ContentPtr from) {
    auto writer = into.create_content(id, from->size());
    auto reader = from->reader();
    for (;;) {
        auto piece = co_await reader->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        auto written = co_await writer->write(*piece);
        if (!written) co_return written.error();
    }
    auto content = co_await writer->finish();
    co_return content;
}

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t piece_bytes = 256U << 10U;
constexpr std::size_t json_bytes_max = 128U
                                       << 20U;  // a record of CodecLimits::record_bytes in base64
constexpr std::size_t page = 200;

std::string_view name_of(envelope::State state) {
    using enum envelope::State;
    switch (state) {
        case waiting:
            return "waiting";
        case held:
            return "held";
        case delivered:
            return "delivered";
        case relayed:
            return "relayed";
        case failed:
            return "failed";
        case expired:
            return "expired";
        case removed:
            return "removed";
    }
    return "unknown";
}

// "record" is what import reads; the rest is for people and scripts.
Result<std::string> to_json(envelope::Envelope const& e) {
    DAWK_TRY(auto const record, envelope::encode(e));
    json::array recipients;
    for (auto const& r : e.recipients) {
        recipients.push_back(json::object{{"address", ascii::printable(r.address.text())},
                                          {"state", name_of(r.state)},
                                          {"destination", ascii::printable(r.destination)},
                                          {"attempts", r.attempts},
                                          {"next_attempt_ms", to_millis(r.next_attempt)},
                                          {"last_status", ascii::printable(r.last.status)},
                                          {"last_text", ascii::printable(r.last.text)}});
    }
    return json::serialize(
               json::object{{"id", e.id.text()},
                            {"reverse_path", ascii::printable(e.reverse_path.text())},
                            {"arrived_ms", to_millis(e.arrived)},
                            {"expires_ms", to_millis(e.expires)},
                            {"content_size", e.content_size},
                            {"client_address", ascii::printable(e.origin.client_address)},
                            {"subject", ascii::printable(e.header_subject)},
                            {"recipients", std::move(recipients)},
                            {"record", base64::encode(record)}}) +
           "\n";
}

Task<Result<void>> write_eml(spool::ContentPtr content, std::string path) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    auto reader = content->reader();
    for (;;) {
        auto piece = co_await reader->next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        out.write(piece->data(), static_cast<std::streamsize>(piece->size()));
    }
    out.close();
    if (!out) co_return Errc::io_error;
    co_return Result<void>();
}

Task<Result<void>> export_one(spool::Spool& spool, spool::EnvelopePtr envelope, std::string base) {
    auto content = co_await spool.open_content(envelope);
    if (!content) co_return content.error();
    auto written = co_await write_eml(*content, base + ".eml");
    if (!written) co_return written.error();
    auto const text = to_json(*envelope);
    if (!text) co_return text.error();
    std::ofstream out(base + ".json", std::ios::binary | std::ios::trunc);
    out << *text;
    out.close();
    if (!out) co_return Errc::io_error;
    co_return Result<void>();
}

Result<std::string> read_small_file(fs::path const& path, std::size_t max) {
    std::ifstream in(path, std::ios::binary);
    std::string out;
    std::string buffer(64U << 10U, '\0');
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
        out.append(buffer, 0, static_cast<std::size_t>(in.gcount()));
        if (out.size() > max) return Errc::too_long;
    }
    if (in.bad() || (!in.eof() && in.fail())) return Errc::io_error;
    return out;
}

Result<envelope::Envelope> envelope_from_json(fs::path const& path) {
    DAWK_TRY(auto const text, read_small_file(path, json_bytes_max));
    boost::system::error_code error;
    auto const value = json::parse(text, error);
    if (error || !value.is_object()) return Errc::bad_syntax;
    auto const* const record = value.as_object().if_contains("record");
    if (record == nullptr || !record->is_string()) return Errc::bad_syntax;
    auto const& base64 = record->as_string();
    DAWK_TRY(auto const octets, base64::decode({base64.data(), base64.size()}));
    return envelope::decode_envelope(octets);
}

// Octets of a mail file as octets of a message: lone LF becomes CRLF (RFC 5321 §2.3.8), and with it
// the header section is found.
class MailFile {
  public:
    explicit MailFile(fs::path const& path, bool canonical)
        : in_(path, std::ios::binary), canonical_(canonical) {}
    bool is_open() const { return in_.is_open(); }
    Result<std::string_view> next() {
        raw_.resize(piece_bytes);
        in_.read(raw_.data(), static_cast<std::streamsize>(raw_.size()));
        raw_.resize(static_cast<std::size_t>(in_.gcount()));
        if (in_.bad()) return Errc::io_error;
        if (!canonical_) return std::string_view(raw_);
        out_.clear();
        for (char const c : raw_) {
            if (c == '\n' && last_ != '\r') out_ += '\r';
            out_ += c;
            last_ = c;
        }
        return std::string_view(out_);
    }

  private:
    std::ifstream in_;
    bool canonical_;
    char last_ = '\0';
    std::string raw_, out_;
};

void add_recipients(mail::HeaderSection const& header, std::string_view name,
                    std::vector<mail::Address>& out) {
    for (auto const& field : header.find(name)) {
        auto const list = mail::parse_address_list(field.value());
        if (!list) continue;
        for (auto const& box : mail::mailboxes(*list)) {
            auto address = mail::parse_mailbox(box.address.text(), {.utf8 = true});
            if (address && std::find(out.begin(), out.end(), *address) == out.end()) {
                out.push_back(std::move(*address));
            }
        }
    }
}

// An envelope as the header fields have it: X-Original-To and Delivered-To are what a queue or
// mailbox wrote of the real recipient, the others only what the author wrote.
Result<envelope::Envelope> envelope_from_header(mail::HeaderSection const& header,
                                                ToolWorld const& world,
                                                ImportOptions const& options) {
    if (!options.destination_of || !options.random) return Errc::unsupported;
    std::vector<mail::Address> to;
    for (auto const* const name : {"X-Original-To", "Delivered-To"})
        add_recipients(header, name, to);
    if (to.empty()) {
        for (auto const* const name : {"To", "Cc", "Bcc"}) add_recipients(header, name, to);
    }
    if (to.empty()) return Errc::not_found;
    envelope::Envelope e;
    e.arrived = world.clock.wall();
    e.expires = e.arrived + options.lifetime;
    e.id = MessageId::make(e.arrived, options.random(), options.random());
    auto const path = header.value("Return-Path");
    if (path.size() > 2 && path.front() == '<' && path.back() == '>') {
        auto address = mail::parse_mailbox(path.substr(1, path.size() - 2), {.utf8 = true});
        if (address) e.reverse_path = std::move(*address);
    }
    e.origin.listener = "local";
    e.body = envelope::Body::eight_bit;
    e.header_message_id = header.value("Message-ID");
    e.header_from = header.value("From");
    e.header_subject = header.value("Subject");
    e.hops = static_cast<std::uint32_t>(header.count("Received"));
    for (auto& address : to) {
        envelope::Recipient r;
        if (!address.is_ascii()) e.smtputf8 = true;
        r.original = address;
        r.destination = options.destination_of(address);
        r.address = std::move(address);
        r.next_attempt = e.arrived;
        e.recipients.push_back(std::move(r));
    }
    return e;
}

Task<Result<spool::ContentPtr>> read_content(spool::Spool& spool, MessageId id, MailFile& file,
                                             std::uint64_t size, mail::HeaderScanner& scanner) {
    auto writer = spool.create_content(id, size);
    for (;;) {
        auto piece = file.next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        scanner.feed(*piece);
        auto written = co_await writer->write(*piece);
        if (!written) co_return written.error();
    }
    scanner.finish();
    auto content = co_await writer->finish();
    co_return content;
}

class Importer {
  public:
    Importer(ToolWorld world, ImportOptions const& options, RocksSpool& spool)
        : world_(world), options_(options), spool_(spool) {}

    void add(fs::path const& eml) {
        auto const done = import(eml);
        if (!done && done.error() == Errc::exists) {
            ++report_.skipped;
        } else if (!done) {
            report_.failed.add("message", eml.filename().string(), done.error().message());
        }
    }
    MoveReport take() { return std::move(report_); }

  private:
    Result<void> import(fs::path const& eml) {
        auto described = eml;
        described.replace_extension(".json");
        std::error_code error;
        if (fs::exists(described, error)) {
            DAWK_TRY(auto const envelope, envelope_from_json(described));
            auto const there = rt::run(spool_.load(envelope.id));
            if (there) return Errc::exists;
            if (there.error() != Errc::not_found) return there.error();
            mail::HeaderScanner unused;
            DAWK_TRY(auto const content, read(eml, envelope.id, false, unused));
            if (content->size() != envelope.content_size) return Errc::corrupt;
            return insert(envelope, content);
        }
        // The id of its file is another one; that of the message is made when its header is known.
        mail::HeaderScanner scanner;
        DAWK_TRY(auto const content,
                 read(eml, MessageId::make(world_.clock.wall(), 0, 0), true, scanner));
        if (scanner.state() != mail::HeaderScanner::State::done) return Errc::too_long;
        DAWK_TRY(auto envelope, envelope_from_header(scanner.take(), world_, options_));
        envelope.content_size = content->size();
        return insert(envelope, content);
    }
    Result<spool::ContentPtr> read(fs::path const& eml, MessageId id, bool canonical,
                                   mail::HeaderScanner& scanner) {
        MailFile file(eml, canonical);
        if (!file.is_open()) return Errc::not_found;
        std::error_code error;
        auto const size = fs::file_size(eml, error);
        return rt::run(read_content(spool_, id, file, error ? 0 : size, scanner));
    }
    Result<void> insert(envelope::Envelope const& envelope, spool::ContentPtr const& content) {
        spool::Batch batch;
        batch.due_add = spool::due_entries(envelope);
        batch.inserts.push_back({std::make_shared<envelope::Envelope const>(envelope), content});
        DAWK_TRY_VOID(rt::run(spool_.commit(std::move(batch))));
        ++report_.messages;
        report_.content_bytes += content->size();
        return {};
    }

    ToolWorld world_;
    ImportOptions const& options_;
    RocksSpool& spool_;
    MoveReport report_;
};

}  // namespace

rt::ExplainedResult<MoveReport> export_spool(ToolWorld world, RocksOptions const& from,
                                             std::string const& folder) {
    auto options = from;
    options.create = false;
    MoveReport report;
    std::mutex mutex;
    options.report = [&](std::string_view words) {  // of envelopes that cannot be listed
        std::lock_guard const lock(mutex);
        report.failed.add("spool", "", std::string(words));
    };
    auto spool = RocksSpool::open(world.pool, world.clock, world.files, options);
    if (!spool) return spool.error();
    std::error_code error;
    bool const is_new = fs::create_directories(folder, error);
    if (is_new) fs::permissions(folder, fs::perms::owner_all, error);  // mail is private
    if (error) return rt::Explained{Errc::io_error, folder + ": " + error.message()};
    for (MessageId after;;) {
        auto const listed = rt::run((*spool)->list(after, page));
        if (!listed) {
            return rt::Explained{listed.error(), "cannot list: " + listed.error().message()};
        }
        if (listed->empty()) break;
        for (auto const& envelope : *listed) {
            auto const base = folder + "/" + envelope->id.text();
            auto const done = rt::run(export_one(**spool, envelope, base));
            if (done) {
                ++report.messages;
                report.content_bytes += envelope->content_size;
            } else {
                report.failed.add("message", envelope->id.text(), done.error().message());
            }
        }
        after = listed->back()->id;
    }
    spool->reset();
    return report;
}

rt::ExplainedResult<MoveReport> import_spool(ToolWorld world, RocksOptions const& into,
                                             std::string const& folder, ImportOptions options) {
    auto const names = world.files.list(folder);
    if (!names) return rt::Explained{names.error(), folder + ": " + names.error().message()};
    auto spool = RocksSpool::open(world.pool, world.clock, world.files, into);
    if (!spool) return spool.error();
    Importer importer(world, options, **spool);
    for (auto const& name : *names) {
        if (name.ends_with(".eml")) importer.add(folder + "/" + name);
    }
    return importer.take();
}

}  // namespace dawk::spool_rocks
