#include "dawk/mail/convert.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mail {
namespace {

constexpr std::size_t line_size_max = 998;  // RFC 5322 §2.1.1

bool is_raw(TransferEncoding e) noexcept {
    return e == TransferEncoding::seven_bit || e == TransferEncoding::eight_bit ||
           e == TransferEncoding::binary;
}

std::uint64_t count_eight_bit(std::string_view octets) noexcept {
    return static_cast<std::uint64_t>(std::ranges::count_if(octets, ascii::is_eight_bit));
}

// Whether the part has the header of a message, and not of a part in a multipart.
bool is_message(std::vector<MimePart> const& parts, MimePart const& part) noexcept {
    return part.parent == MimePart::none || parts[part.parent].type.type == "message";
}

// Signatures cover the octets of what they enclose (RFC 1847 §2.1).
bool is_seal(MimePart const& part) noexcept {
    return part.type.is("multipart", "signed") || part.type.is("multipart", "encrypted");
}

bool is_sealed(std::vector<MimePart> const& parts, MimePart const& part) noexcept {
    for (auto p = part.parent; p != MimePart::none; p = parts[p].parent) {
        if (is_seal(parts[p])) return true;
    }
    return false;
}

// An enclosed message that follows a header without a blank line (in a digest): a field that is
// added to the one would become part of the other.
bool is_glued(std::vector<MimePart> const& parts, MimePart const& part) noexcept {
    for (auto p = part.parent; p != MimePart::none; p = parts[p].parent) {
        bool const open = parts[p].header.ended_by() != HeaderEnd::blank_line;
        if (parts[p].type.type == "message" && open) return true;
    }
    return false;
}

class PlanWriter {
  public:
    explicit PlanWriter(std::vector<MimePart> const& parts) : parts_(parts) {}

    // The encoding of the part becomes another; fields of that name more than the first are
    // removed.
    void relabel(MimePart const& part, std::string_view encoding, bool add) {
        auto const text = "Content-Transfer-Encoding: " + std::string{encoding} + "\r\n";
        bool done = false;
        for (auto const field : part.header) {
            if (!field.is("Content-Transfer-Encoding")) continue;
            auto const begin = part.begin + static_cast<std::uint64_t>(field.raw.data() -
                                                                       part.header.block().data());
            plan_.edits.push_back({begin, begin + field.raw.size(), done ? std::string{} : text});
            done = true;
        }
        if (add && !done) added_ += text;
    }
    // Whatever else a header needs when a plain old message becomes a MIME message (RFC 2045 §4).
    void complete(MimePart const& part) {
        if (is_message(parts_, part) && !part.header.has("MIME-Version")) {
            added_ += "MIME-Version: 1.0\r\n";
            if (!part.header.has("Content-Type"))
                added_ += "Content-Type: text/plain; charset=unknown-8bit\r\n";
        }
        if (part.header.ended_by() == HeaderEnd::no_field) added_ += "\r\n";
        auto const end = part.begin + part.header.block().size();
        if (!added_.empty()) plan_.edits.push_back({end, end, std::move(added_)});
        added_.clear();
    }
    void encode(MimePart const& part, TransferEncoding encoding) {
        plan_.edits.push_back({part.body_begin, part.body_end, {}, encoding});
    }
    ConversionPlan finish() && { return std::move(plan_); }

  private:
    std::vector<MimePart> const& parts_;
    ConversionPlan plan_;
    std::string added_;
};

}  // namespace

ConversionPlanner::ConversionPlanner(Transport target, MimeLimits limits)
    : target_(target), scanner_(limits, this) {}

ErrorCode ConversionPlanner::feed(std::string_view piece) {
    eight_bit_octets_ += count_eight_bit(piece);
    return scanner_.feed(piece);
}

void ConversionPlanner::on_part(std::uint32_t index, MimePart const&) {
    bodies_.resize(std::max<std::size_t>(bodies_.size(), index + 1));
    column_ = 0;
    after_cr_ = false;
}

void ConversionPlanner::on_body(std::uint32_t index, std::string_view octets) {
    auto& body = bodies_[index];
    for (char const c : octets) {
        bool const line_end = c == '\n' && after_cr_;
        if ((c == '\n' || after_cr_) && !line_end)
            body.binary = true;  // a bare LF, or a CR before this
        if (c == '\0') body.binary = true;
        if (ascii::is_eight_bit(c)) body.eight_bit = true;
        after_cr_ = c == '\r';
        column_ = line_end || after_cr_ ? 0 : column_ + 1;
        if (column_ > line_size_max) body.binary = true;
    }
    eight_bit_octets_ -= count_eight_bit(octets);
}

void ConversionPlanner::on_end(std::uint32_t index, MimePart const& part) {
    if (!part.is_container && after_cr_) bodies_[index].binary = true;
    after_cr_ = false;
}

bool ConversionPlanner::must_convert(std::uint32_t index) const noexcept {
    auto const& body = bodies_[index];
    return body.binary || (body.eight_bit && target_ == Transport::seven_bit);
}

ErrorCode ConversionPlanner::check_part(MimePart const& part) const {
    // Parts of type message stay as they are, but for the new ones (RFC 2046 §5.2, RFC 6532 §3.7).
    bool const fixed = part.type.type == "message" && !part.type.subtype.starts_with("global");
    auto const& parts = scanner_.parts();
    bool const possible =
        is_raw(part.encoding) && !fixed && !is_sealed(parts, part) && !is_glued(parts, part);
    return possible ? ErrorCode{} : make_error_code(Errc::unsupported);
}

Result<ConversionPlan> ConversionPlanner::finish() {
    if (auto const error = scanner_.finish()) return error;
    auto const& parts = scanner_.parts();
    bool const any = [&] {
        for (std::uint32_t i = 0; i < parts.size(); ++i)
            if (!parts[i].is_container && must_convert(i)) return true;
        return false;
    }();
    // What is left over stands in headers, or between parts.
    if (target_ == Transport::seven_bit && eight_bit_octets_ > 0) return Errc::unsupported;
    if (!any) return ConversionPlan{};
    PlanWriter writer{parts};
    for (std::uint32_t i = 0; i < parts.size(); ++i) {
        auto const& part = parts[i];
        if (part.is_container) {
            bool const wide =
                part.encoding == TransferEncoding::binary ||
                (part.encoding == TransferEncoding::eight_bit && target_ == Transport::seven_bit);
            if (wide && !is_sealed(parts, part))
                writer.relabel(part, target_ == Transport::seven_bit ? "7bit" : "8bit", false);
        } else if (must_convert(i)) {
            if (auto const error = check_part(part)) return error;
            bool const text = part.type.type == "text" && !bodies_[i].binary;
            writer.relabel(part, text ? "quoted-printable" : "base64", true);
            writer.complete(part);
            writer.encode(part,
                          text ? TransferEncoding::quoted_printable : TransferEncoding::base64);
        }
    }
    return std::move(writer).finish();
}

void Converter::enter(std::string& out) {
    auto const& edit = plan_.edits[next_];
    inside_ = true;
    out += edit.text;
    if (edit.encoding == TransferEncoding::base64) base64_.emplace();
    if (edit.encoding == TransferEncoding::quoted_printable)
        printable_.emplace(QuotedPrintableEncoder::Kind::text);
}

void Converter::encode(std::string_view octets, std::string& out) {
    if (base64_) base64_->feed(octets, out);
    if (printable_) printable_->feed(octets, out);
}

void Converter::leave(std::string& out) {
    if (base64_) base64_->finish(out);
    if (printable_) printable_->finish(out, false);  // the line end stands behind the body already
    base64_.reset();
    printable_.reset();
    inside_ = false;
    ++next_;
}

void Converter::feed(std::string_view octets, std::string& out) {
    while (!octets.empty()) {
        bool const more = next_ < plan_.edits.size();
        if (more && !inside_ && offset_ == plan_.edits[next_].begin) enter(out);
        if (inside_ && offset_ == plan_.edits[next_].end) {
            leave(out);
            continue;
        }
        auto const room = !more     ? octets.size()
                          : inside_ ? plan_.edits[next_].end - offset_
                                    : plan_.edits[next_].begin - offset_;
        auto const piece = octets.substr(0, std::min<std::uint64_t>(octets.size(), room));
        if (inside_) {
            encode(piece, out);
        } else {
            out += piece;
        }
        offset_ += piece.size();
        octets.remove_prefix(piece.size());
    }
}

void Converter::finish(std::string& out) {
    while (next_ < plan_.edits.size()) {
        if (!inside_) enter(out);
        leave(out);
    }
}

}  // namespace dawk::mail
