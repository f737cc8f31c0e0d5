#include "cmd/dawk/dialogue.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

#include "cmd/dawk/command.hpp"

namespace dawk::cmd {
namespace {
constexpr std::size_t line_max = 512;
constexpr int bar_width = 30;
}  // namespace

Dialogue::Dialogue(Show show, std::uint64_t message_bytes)
    : show_(show), message_bytes_(message_bytes) {}

void Dialogue::on_sent(std::span<std::string_view const> pieces, bool secret) {
    for (auto const piece : pieces) {
        sent_bytes_ += piece.size();
        if (show_ != Show::commands) continue;
        if (secret) {
            auto const verb = piece.substr(0, piece.starts_with("AUTH ") ? piece.find(' ', 5) : 0);
            sent_line(std::string(verb) + (verb.empty() ? "(secret)" : " (secret)"));
            continue;
        }
        std::string_view rest = piece;
        while (!rest.empty()) {
            // The message itself is told by its size only.
            if (chunk_left_ > 0) {
                auto const n = std::min<std::uint64_t>(chunk_left_, rest.size());
                chunk_left_ -= n;
                rest.remove_prefix(static_cast<std::size_t>(n));
                if (chunk_left_ == 0)
                    print_error("C: (" + std::to_string(message_bytes_) + " octets)\n");
                continue;
            }
            auto const end = rest.find('\n');
            sent_.append(rest.substr(0, end));
            if (end == rest.npos) break;
            rest.remove_prefix(end + 1);
            auto const line = std::string(ascii::trim(sent_));
            sent_.clear();
            sent_line(line);
        }
    }
    if (show_ == Show::progress) show_progress();
}

void Dialogue::sent_line(std::string_view line) {
    if (in_content_) {
        if (line != ".") return;
        in_content_ = false;
        print_error("C: (" + std::to_string(message_bytes_) + " octets)\nC: .\n");
        return;
    }
    if (go_ahead_) {  // a lone dot for nobody, or the first line of the message
        go_ahead_ = false;
        in_content_ = line != ".";
        if (in_content_) return;
    }
    print_error("C: " + ascii::printable(line, line_max) + "\n");
    if (line.starts_with("BDAT "))
        chunk_left_ =
            ascii::to_number<std::uint64_t>(line.substr(5, line.find(' ', 5) - 5)).value_or(0);
}

void Dialogue::on_received(std::string_view octets) {
    if (show_ != Show::commands) return;
    received_.append(octets);
    for (auto end = received_.find('\n'); end != received_.npos; end = received_.find('\n')) {
        auto const line = ascii::trim(std::string_view(received_).substr(0, end));
        if (line.starts_with("354")) go_ahead_ = true;
        print_error("S: " + ascii::printable(line, line_max) + "\n");
        received_.erase(0, end + 1);
    }
    if (received_.size() > line_max) received_.clear();
}

void Dialogue::on_tls(rt::TlsFacts const& facts) {
    if (show_ != Show::commands) return;
    print_error("-- " + facts.version + " " + facts.cipher +
                (facts.verified ? ", certificate verified" : ", certificate not verified") + "\n");
}

void Dialogue::show_progress() {
    auto const percent = static_cast<int>(std::min<std::uint64_t>(
        100, message_bytes_ == 0 ? 100 : sent_bytes_ * 100 / message_bytes_));
    if (percent == shown_percent_) return;
    shown_percent_ = percent;
    std::string bar(static_cast<std::size_t>(percent * bar_width / 100), '#');
    bar.resize(bar_width, '.');
    print_error("\r[" + bar + "] " + std::to_string(percent) + " %");
}

void Dialogue::finish() {
    if (show_ == Show::progress && shown_percent_ >= 0) print_error("\r\x1b[K");
}

}  // namespace dawk::cmd
