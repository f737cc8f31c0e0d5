#include "cmd/dawk/draft.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <pwd.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/crypto/hash.hpp"
#include "dawk/mail/compose.hpp"
#include "dawk/mail/message_id.hpp"
#include "dawk/smtp/dot_stuffer.hpp"

#include "cmd/dawk/command.hpp"
#include "cmd/dawk/gather.hpp"

namespace dawk::cmd {
namespace {

constexpr std::size_t text_max = 64U << 20U;  // bodies are held in memory; attachments are not

class FileSource final : public mail::BodySource {
  public:
    explicit FileSource(std::string const& path) : path_(path) {
        stream_ = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
        if (stream_ == nullptr) fail(Exit::no_input, path + ": " + std::strerror(errno));
    }
    ~FileSource() override {
        if (stream_ != stdin) std::fclose(stream_);
    }
    FileSource(FileSource const&) = delete;
    FileSource& operator=(FileSource const&) = delete;
    Result<std::size_t> read(std::span<char> buffer) override {
        auto const n = std::fread(buffer.data(), 1, buffer.size(), stream_);
        if (n == 0 && std::ferror(stream_) != 0) return Errc::io_error;
        return n;
    }
    // The next octets, or none at the end; an error ends the command.
    std::string_view next() {
        auto const n = read(buffer_);
        if (!n) fail(Exit::no_input, path_ + ": cannot be read");
        return {buffer_, *n};
    }

  private:
    std::string path_;
    std::FILE* stream_;
    char buffer_[65536];
};

std::string read_text(std::string const& path) {
    FileSource source(path);
    std::string text;
    for (auto piece = source.next(); !piece.empty(); piece = source.next()) {
        text.append(piece);
        if (text.size() > text_max) fail(Exit::data, path + ": too long for a body; attach it");
    }
    return text;
}

mail::AddressList parse_list(std::string const& text, char const* option) {
    auto list = mail::parse_address_list(text);
    if (!list || mail::mailboxes(*list).empty())
        fail(Exit::usage, std::string(option) + ": " + ascii::printable(text, 200) +
                              " is no address or list of addresses");
    return *std::move(list);
}

mail::AddressList parse_lists(std::vector<std::string> const& texts, char const* option) {
    mail::AddressList all;
    for (auto const& text : texts) {
        auto list = parse_list(text, option);
        std::move(list.begin(), list.end(), std::back_inserter(all));
    }
    return all;
}

// The grammar of headers is wider than that of SMTP: what goes into the envelope is checked again.
mail::Address envelope_address(mail::Address const& address) {
    auto checked = mail::parse_mailbox(address.text(), {.utf8 = true});
    if (!checked)
        fail(Exit::usage, ascii::printable(address.text(), 200) + " is no address mail can go to");
    return *std::move(checked);
}

void add_recipients(envelope::Envelope& envelope, mail::AddressList const& list,
                    envelope::Notify const& notify) {
    for (auto const& mailbox : mail::mailboxes(list)) {
        envelope::Recipient recipient;
        recipient.address = envelope_address(mailbox.address);
        auto const& all = envelope.recipients;
        bool const known = std::any_of(
            all.begin(), all.end(), [&](auto const& r) { return r.address == recipient.address; });
        if (known) continue;
        recipient.original = recipient.address;
        recipient.notify = notify;
        envelope.recipients.push_back(std::move(recipient));
    }
}

envelope::Notify parse_notify(std::string const& text) {
    envelope::Notify notify;
    std::string_view rest = text;
    while (!rest.empty()) {
        auto const word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        if (ascii::iequals(word, "never")) {
            notify.never = true;
        } else if (ascii::iequals(word, "success")) {
            notify.success = true;
        } else if (ascii::iequals(word, "failure")) {
            notify.failure = true;
        } else if (ascii::iequals(word, "delay")) {
            notify.delay = true;
        } else {
            fail(Exit::usage, "--notify: never, or some of success,failure,delay");
        }
    }
    if (notify.never && (notify.success || notify.failure || notify.delay))
        fail(Exit::usage, "--notify: never stands alone");
    return notify;
}

std::string default_sender(std::string const& host) {
    auto const* entry = ::getpwuid(::geteuid());
    return std::string(entry != nullptr ? entry->pw_name : "nobody") + "@" + host;
}

std::shared_ptr<envelope::Envelope> make_envelope(DraftOptions const& options,
                                                  mail::AddressList const& from) {
    auto envelope = std::make_shared<envelope::Envelope>();
    auto const authors = mail::mailboxes(from);
    if (!authors.empty()) envelope->reverse_path = envelope_address(authors.front().address);
    auto const notify = parse_notify(options.notify);
    add_recipients(*envelope, parse_lists(options.to, "--to"), notify);
    add_recipients(*envelope, parse_lists(options.cc, "--cc"), notify);
    add_recipients(*envelope, parse_lists(options.bcc, "--bcc"), notify);
    if (envelope->recipients.empty()) fail(Exit::usage, "nobody to send to: give --to");
    if (options.ret == "full") envelope->ret = envelope::Ret::full;
    if (options.ret == "hdrs") envelope->ret = envelope::Ret::headers;
    envelope->envid = options.envid;
    auto const& all = envelope->recipients;
    envelope->smtputf8 =
        !envelope->reverse_path.is_ascii() ||
        std::any_of(all.begin(), all.end(), [](auto const& r) { return !r.address.is_ascii(); });
    return envelope;
}

PreparedMail prepare_raw(DraftOptions const& options,
                         std::shared_ptr<envelope::Envelope> envelope) {
    FileSource source(options.raw_file);
    Gatherer gatherer;
    LineEnds ends;
    std::string line_ended, header;
    bool in_header = true;
    bool clean = true;
    for (auto piece = source.next(); clean && !piece.empty(); piece = source.next()) {
        line_ended.clear();
        clean = ends.convert(piece, line_ended);
        if (smtp::has_eight_bit(line_ended)) envelope->body = envelope::Body::eight_bit;
        if (in_header) {
            header += line_ended;
            auto const end = header.find("\r\n\r\n");
            in_header = end == header.npos && header.size() < text_max;
            if (!in_header && smtp::has_eight_bit(std::string_view(header).substr(0, end)))
                envelope->smtputf8 = true;
        }
        gatherer.add(line_ended);
    }
    line_ended.clear();
    clean = clean && ends.finish(line_ended);
    if (!clean) fail(Exit::data, options.raw_file + ": a CR stands without LF");
    gatherer.add(line_ended);
    if (gatherer.size() == 0) fail(Exit::data, options.raw_file + ": is empty");
    return {std::move(envelope), gatherer.finish(), ""};
}

std::string media_type(std::string const& path) {
    struct Known {
        std::string_view extension, type;
    };
    static constexpr Known known[] = {
        {".txt", "text/plain"},        {".html", "text/html"},      {".css", "text/css"},
        {".csv", "text/csv"},          {".md", "text/markdown"},    {".ics", "text/calendar"},
        {".pdf", "application/pdf"},   {".zip", "application/zip"}, {".gz", "application/gzip"},
        {".json", "application/json"}, {".xml", "application/xml"}, {".png", "image/png"},
        {".jpg", "image/jpeg"},        {".jpeg", "image/jpeg"},     {".gif", "image/gif"},
        {".svg", "image/svg+xml"},     {".webp", "image/webp"},     {".mp3", "audio/mpeg"},
        {".mp4", "video/mp4"},
    };
    for (auto const& [extension, type] : known)
        if (ascii::iends_with(path, extension)) return std::string(type);
    return "application/octet-stream";
}

void add_fields(mail::Draft& draft, std::vector<std::string> const& headers) {
    for (auto const& header : headers) {
        auto const colon = header.find(':');
        if (colon == header.npos || colon == 0)
            fail(Exit::usage,
                 "--header: \"Name: value\" is expected, not " + ascii::printable(header, 200));
        draft.fields.emplace_back(
            header.substr(0, colon),
            std::string(ascii::trim(std::string_view(header).substr(colon + 1))));
    }
}

// The body from where the options say; standard input when they say nothing.
void add_bodies(mail::Draft& draft, DraftOptions const& options) {
    if (options.html) draft.html = *options.html;
    if (!options.html_file.empty()) draft.html = read_text(options.html_file);
    if (options.body) {
        draft.text = *options.body;
    } else if (!options.body_file.empty()) {
        draft.text = read_text(options.body_file);
    } else {
        bool const has_other = !draft.html.empty() || !options.attachments.empty();
        if (!has_other) draft.text = read_text("-");
    }
}

std::string unique_letters() {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
    std::string out;
    for (char const c : crypto::random_bytes(20))
        out += letters[static_cast<unsigned char>(c) % 32];
    return out;
}

void set_date(mail::Draft& draft) {
    auto const now = std::chrono::system_clock::now();
    draft.date = std::chrono::time_point_cast<Millis>(now);
    auto const seconds = std::chrono::system_clock::to_time_t(now);
    std::tm local{};
    if (::localtime_r(&seconds, &local) != nullptr)
        draft.zone_minutes = static_cast<int>(local.tm_gmtoff / 60);
}

}  // namespace

PreparedMail prepare_mail(DraftOptions const& options, std::string const& host) {
    auto const sender = options.from.empty() ? default_sender(host) : options.from;
    auto const from = sender == "<>" ? mail::AddressList{} : parse_list(sender, "--from");
    auto envelope = make_envelope(options, from);
    if (!options.raw_file.empty()) return prepare_raw(options, std::move(envelope));
    if (from.empty()) fail(Exit::usage, "--from: the null path is for --raw only");
    mail::Draft draft;
    draft.from = from;
    draft.to = parse_lists(options.to, "--to");
    draft.cc = parse_lists(options.cc, "--cc");
    draft.subject = options.subject;
    draft.unique = unique_letters();
    draft.message_id = mail::make_message_id(draft.unique, host);
    draft.utf8 = envelope->smtputf8;
    set_date(draft);
    add_fields(draft, options.headers);
    add_bodies(draft, options);
    for (auto const& path : options.attachments) {
        mail::Attachment attachment;
        attachment.file_name = std::filesystem::path(path).filename().string();
        attachment.type = media_type(path);
        attachment.source = std::make_unique<FileSource>(path);
        draft.attachments.push_back(std::move(attachment));
    }
    PreparedMail prepared;
    prepared.message_id = draft.message_id;
    auto composer = mail::Composer::make(std::move(draft));
    if (!composer)
        fail(Exit::data,
             "the message cannot be made (a control character in a subject, name or "
             "header field, or a field that is set otherwise): " +
                 composer.error().message());
    Gatherer gatherer;
    for (std::string chunk;;) {
        auto const more = composer->next(chunk);
        if (!more) fail(Exit::no_input, "an attachment: " + more.error().message());
        if (!*more) break;
        gatherer.add(chunk);
    }
    envelope->smtputf8 = envelope->smtputf8 || composer->needs_smtputf8();
    if (composer->needs_smtputf8()) envelope->body = envelope::Body::eight_bit;
    prepared.content = gatherer.finish();
    prepared.envelope = std::move(envelope);
    return prepared;
}

}  // namespace dawk::cmd
