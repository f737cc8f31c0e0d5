#include "dawk/mail/mime.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/charset.hpp"

namespace dawk::mail {
namespace {

// A line longer than this is no boundary: 70 octets at most (RFC 2046 §5.1.1), dashes and white
// space; generous, but a line is all that is ever kept of a body.
constexpr std::size_t boundary_line_max = 1024;
constexpr std::size_t boundary_size_max = 200;

// The line end, or the half of one, that text ends with.
std::string_view line_end_of(std::string_view text) noexcept {
    std::size_t size = 0;
    if (text.ends_with("\r\n"))
        size = 2;
    else if (text.ends_with('\n') || text.ends_with('\r'))
        size = 1;
    return text.substr(text.size() - size);
}

bool is_identity(TransferEncoding e) noexcept {
    return e == TransferEncoding::seven_bit || e == TransferEncoding::eight_bit ||
           e == TransferEncoding::binary;
}

bool is_enclosed_message(MimePart const& part) noexcept {
    return part.type.type == "message" &&
           (part.type.subtype == "rfc822" || part.type.subtype == "global") &&
           is_identity(part.encoding);
}

}  // namespace

MimeScanner::MimeScanner(MimeLimits limits, MimeSink* sink)
    : limits_(limits), sink_(sink), header_(limits.header) {
    begin_part(MimePart::none);
}

std::size_t MimeScanner::line_limit() const noexcept {
    return place_ == Place::header ? std::max(limits_.header.size_bytes + 2, boundary_line_max)
                                   : boundary_line_max;
}

ErrorCode MimeScanner::feed(std::string_view piece) {
    while (!error_ && !piece.empty()) {
        auto const newline = piece.find('\n');
        bool const ends = newline != std::string_view::npos;
        auto const part = piece.substr(0, ends ? newline + 1 : piece.size());
        if (in_long_line_) {
            emit(part);
            offset_ += part.size();
            in_long_line_ = !ends;
            piece.remove_prefix(part.size());
        } else if (ends && line_.empty() && part.size() <= line_limit()) {
            on_line(part);
            piece.remove_prefix(part.size());
        } else {
            auto const taken = std::min(part.size(), line_limit() - line_.size());
            line_ += part.substr(0, taken);
            piece.remove_prefix(taken);
            bool const complete = line_.ends_with('\n');
            if (!complete && line_.size() < line_limit()) continue;
            in_long_line_ = !complete;
            auto const line = std::move(line_);
            line_.clear();
            on_line(line);
        }
    }
    return error_;
}

ErrorCode MimeScanner::finish() {
    if (error_ || open_.empty()) return error_;
    auto const line = std::move(line_);
    line_.clear();
    at_end_ = true;
    if (!line.empty()) on_line(line);
    while (!error_ && place_ == Place::header) end_header();
    if (error_) return error_;
    put(held_);
    held_.clear();
    end_parts(0, offset_);
    return error_;
}

// A whole line, or the start of one that is too long to be kept.
void MimeScanner::on_line(std::string_view line) {
    if (!in_long_line_ && on_boundary(line)) {
        // Done; the line belongs to no part.
    } else if (place_ == Place::header) {
        on_header_line(line);
    } else {
        emit(line);
    }
    offset_ += line.size();
}

void MimeScanner::on_header_line(std::string_view line) {
    header_.feed(line);
    // A line that fills all the room is over the limit; the octet behind it only says so.
    if (in_long_line_ && header_.state() == HeaderScanner::State::more) header_.feed("x");
    if (at_end_) header_.finish();
    switch (header_.state()) {
        case HeaderScanner::State::more:
            return;
        case HeaderScanner::State::too_large:
            error_ = Errc::too_long;
            return;
        case HeaderScanner::State::too_many:
            error_ = Errc::too_many;
            return;
        case HeaderScanner::State::done:
            break;
    }
    auto& part = parts_.back();
    part.header = header_.take();
    if (part.header.ended_by() != HeaderEnd::no_field) return begin_body(offset_ + line.size());
    begin_body(offset_);
    if (error_) return;
    // The line is the first of the body, and may be the first of an enclosed message.
    if (place_ == Place::header) return on_header_line(line);
    emit(line);
}

// The header of the innermost part ends here, without a blank line.
void MimeScanner::end_header() {
    header_.finish();
    if (header_.state() != HeaderScanner::State::done) {
        error_ = Errc::too_long;
        return;
    }
    parts_.back().header = header_.take();
    begin_body(offset_);
}

bool MimeScanner::on_boundary(std::string_view line) {
    auto const text = line.substr(0, line.size() - line_end_of(line).size());
    if (!text.starts_with("--")) return false;
    for (std::size_t level = open_.size(); level-- > 0;) {
        auto const& boundary = open_[level].boundary;
        if (boundary.empty() || !text.starts_with(boundary)) continue;
        auto rest = text.substr(boundary.size());
        bool const last = rest.starts_with("--");
        if (last) rest.remove_prefix(2);
        if (!std::ranges::all_of(rest, ascii::is_space)) continue;
        while (!error_ && place_ == Place::header) end_header();
        if (error_) return true;
        auto const end = offset_ - held_.size();
        held_.clear();
        end_parts(level + 1, end);
        place_ = Place::aside;
        if (last) {
            open_[level].boundary.clear();
        } else {
            begin_part(open_[level].part);
            parts_.back().begin = offset_ + line.size();
        }
        return true;
    }
    return false;
}

// Octets of a body in any pieces; a line end is held back until it is known whether a boundary
// follows.
void MimeScanner::emit(std::string_view octets) {
    if (octets == "\n" && held_ == "\r") {
        held_ = "\r\n";
        return;
    }
    put(held_);
    auto const end = line_end_of(octets);
    put(octets.substr(0, octets.size() - end.size()));
    held_ = end;
}

void MimeScanner::put(std::string_view octets) {
    if (sink_ != nullptr && place_ == Place::body && !octets.empty())
        sink_->on_body(open_.back().part, octets);
}

void MimeScanner::begin_part(std::uint32_t parent) {
    MimePart part;
    part.parent = parent;
    part.depth = parent == MimePart::none ? 0 : parts_[parent].depth + 1;
    if (parts_.size() >= limits_.parts || part.depth > limits_.depth) {
        error_ = Errc::too_many;
        return;
    }
    part.begin = offset_;
    open_.push_back({static_cast<std::uint32_t>(parts_.size()), {}});
    parts_.push_back(std::move(part));
    header_ = HeaderScanner{limits_.header};
    place_ = Place::header;
}

void MimeScanner::begin_body(std::uint64_t body_begin) {
    auto const index = open_.back().part;
    auto& part = parts_[index];
    part.body_begin = body_begin;
    headers_size_ += part.header.block().size();
    if (headers_size_ > limits_.headers_size_bytes) {
        error_ = Errc::too_long;
        return;
    }
    auto const type = part.header.first("Content-Type");
    if (type) part.type = parse_content_type(type->body);
    bool const in_digest =
        part.parent != MimePart::none && parts_[part.parent].type.is("multipart", "digest");
    if (!type && in_digest) part.type = {"message", "rfc822"};  // RFC 2046 §5.1.5
    if (auto const field = part.header.first("Content-Disposition"))
        part.disposition = parse_disposition(field->body);
    if (auto const field = part.header.first("Content-Transfer-Encoding"))
        part.encoding = parse_transfer_encoding(field->body);
    auto const boundary = part.type.param("boundary");
    place_ = Place::body;
    if (part.type.is_multipart() && !boundary.empty() && boundary.size() <= boundary_size_max) {
        part.is_container = true;
        open_.back().boundary = "--" + std::string{boundary};
        place_ = Place::aside;
    } else if (is_enclosed_message(part)) {
        part.is_container = true;
    }
    bool const encloses = part.is_container && place_ == Place::body;
    if (sink_ != nullptr) sink_->on_part(index, part);
    if (!encloses) return;
    begin_part(index);
    if (!error_) parts_.back().begin = body_begin;
}

// Ends the innermost parts until only keep are open.
void MimeScanner::end_parts(std::size_t keep, std::uint64_t end) {
    while (open_.size() > keep) {
        auto const index = open_.back().part;
        auto& part = parts_[index];
        part.body_end = std::max(end, part.body_begin);
        part.is_cut = !open_.back().boundary.empty();
        open_.pop_back();
        if (sink_ != nullptr) sink_->on_end(index, part);
    }
}

Result<std::vector<MimePart>> parse_mime(std::string_view content, MimeLimits limits) {
    MimeScanner scanner{limits};
    if (auto const error = scanner.feed(content)) return error;
    if (auto const error = scanner.finish()) return error;
    return scanner.take();
}

void BodyDecoder::feed(std::string_view octets, std::string& out) {
    if (encoding_ == TransferEncoding::base64) {
        base64_.feed(octets, out);
    } else if (encoding_ == TransferEncoding::quoted_printable) {
        printable_.feed(octets, out);
    } else {
        out += octets;
    }
}

void BodyDecoder::finish(std::string& out) {
    base64_.finish(out);
    printable_.finish(out);
}

std::string decoded_body(MimePart const& part, std::string_view content) {
    auto const begin = std::min<std::uint64_t>(part.body_begin, content.size());
    auto const raw = content.substr(begin, part.body_end - part.body_begin);
    std::string out;
    BodyDecoder decoder{part.encoding};
    decoder.feed(raw, out);
    decoder.finish(out);
    return out;
}

std::string decoded_text(MimePart const& part, std::string_view content) {
    auto const bytes = decoded_body(part, content);
    auto const charset = part.type.param("charset");
    auto const text = to_utf8(bytes, charset.empty() ? "utf-8" : charset);
    return text ? *text : scrub_utf8(bytes);
}

std::string_view file_name(MimePart const& part) noexcept {
    auto const name = part.disposition.param("filename");
    return name.empty() ? part.type.param("name") : name;
}

}  // namespace dawk::mail
