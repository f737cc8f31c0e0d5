// Dialogue: shows a person what dawk send says and hears (-v), or how far a long upload is. Secrets
// are never shown, nor is the message.
#pragma once

#include <string>

#include "dawk/mta/client_connection.hpp"

namespace dawk::cmd {

class Dialogue final : public mta::ClientConnection::Watcher {
  public:
    enum class Show { nothing, progress, commands };
    Dialogue(Show show, std::uint64_t message_bytes);
    void on_sent(std::span<std::string_view const> pieces, bool secret) override;
    void on_received(std::string_view octets) override;
    void on_tls(rt::TlsFacts const& facts) override;
    void finish();

  private:
    void sent_line(std::string_view line);
    void show_progress();

    Show show_;
    std::uint64_t message_bytes_;
    std::uint64_t sent_bytes_ = 0;
    int shown_percent_ = -1;
    std::string sent_, received_;
    bool in_content_ = false;
    bool go_ahead_ = false;  // the server asked for the content
    std::uint64_t chunk_left_ = 0;
};

}  // namespace dawk::cmd
