// Composer: a new message, produced piece by piece, however large its attachments are.
//
//     mail::Draft draft;  draft.from = ...; draft.subject = "Grüße"; draft.text = "...";
//     draft.attachments.push_back({.file_name = "a.iso", .source = std::move(file)});
//     auto composer = mail::Composer::make(std::move(draft));
//     for (std::string chunk; ;) { auto more = composer->next(chunk); if (!more || !*more) break;
//     send(chunk); }
//
// The result has CRLF lines of at most 998 octets and is 7-bit throughout, but for the header when
// utf8 is set and needed (needs_smtputf8). A CR, LF or another control octet in a name, subject or
// address is an error, so that no input can add a field. Date, identifier and everything random
// come from the caller. There is no Bcc: blind recipients belong to the envelope alone. Standards:
// RFC 5322 §3.6; RFC 2045, 2046 §5.1, 2047, 2183, 2231; RFC 6532.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dawk/base/time.hpp"
#include "dawk/mail/address_list.hpp"

namespace dawk::mail {

// Where the octets of an attachment come from.
class BodySource {
  public:
    virtual ~BodySource() = default;
    // Fills a part of buffer and returns how much; 0 at the end.
    virtual Result<std::size_t> read(std::span<char> buffer) = 0;
};

// A source in memory.
std::unique_ptr<BodySource> make_body_source(std::string octets);

struct Attachment {
    std::string file_name{};  // UTF-8, without a path; "" for none
    std::string type = "application/octet-stream";
    std::unique_ptr<BodySource> source{};
    bool is_inline = false;
    std::string content_id{};  // "x@y" for cid: references; "" for none
};

struct Draft {
    AddressList from{}, to{}, cc{}, reply_to{};
    AddressList sender{};  // one mailbox; needed when from has several (RFC 5322 §3.6.2)
    std::string subject{};
    WallTime date{};
    int zone_minutes = 0;
    std::string message_id{};                // "x@y", with or without brackets
    std::vector<std::string> in_reply_to{};  // likewise
    std::vector<std::string> references{};
    std::vector<std::pair<std::string, std::string>> fields{};  // others, unstructured
    std::string text{}, html{};                                 // UTF-8; any line ends
    std::vector<Attachment> attachments{};
    std::string unique{};  // letters and digits nobody can foresee, for boundaries
    bool utf8 = false;     // the way goes by SMTPUTF8: do not encode the header
};

class Composer {
  public:
    // Errors: bad_syntax (no author, no identifier, forbidden octets, a field that is set
    // elsewhere), unsupported (an address beyond ASCII without utf8, an attachment of type
    // multipart or message).
    static Result<Composer> make(Draft draft);

    // Puts the next octets into chunk; false when there were none left. Errors: the source's.
    Result<bool> next(std::string& chunk);
    bool needs_smtputf8() const noexcept { return needs_smtputf8_; }

  private:
    // What comes one after another: text, then the encoded octets of the source, if there is one.
    struct Piece {
        std::string text;
        std::unique_ptr<BodySource> source;
    };
    Composer() = default;
    Result<std::string> encoded_piece(BodySource& source);

    std::vector<Piece> pieces_;
    std::size_t next_ = 0;
    bool text_given_ = false;
    bool needs_smtputf8_ = false;
};

// The whole message at once, for small ones.
Result<std::string> compose_message(Draft draft);

}  // namespace dawk::mail
