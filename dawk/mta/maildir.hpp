// Maildir: where a message goes in a file system, under which name, and how a batch of messages
// gets there so that each is whole and durable before it is called delivered.
//
//     auto folder = maildir_folder("mail/{domain}/{local}", address, "detail");
//     std::vector<MaildirItem> items = ...;
//     deliver_to_maildirs(files, items);            // blocks; run it in the pool
//     for (auto const& item : items) if (!item.error) ...
//
// A batch is written below tmp/, synced at once, moved to new/, and its folders synced at once: two
// waits for the disk, whatever its size. Folders are made on demand, mode 0700; files are 0600.
// Content keeps its CRLF line ends: octet for octet what was sent, under the fields of the
// delivery. Standards: the Maildir convention (cr.yp.to/proto/maildir.html); RFC 5321 §4.4
// (Return-Path).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dawk/base/time.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/rt/files.hpp"

namespace dawk::mta {

// The template with {domain}, {local} and {detail} replaced. What is replaced can never leave its
// path component: "/", "%", control octets and a leading dot stand as "%HH".
std::string maildir_folder(std::string_view pattern, mail::Address const& address,
                           std::string_view detail);

// What followed "+" in the address as it was given, if `address` is that address without it.
std::string_view detail_of(mail::Address const& address, mail::Address const& original) noexcept;

// "1700000000.M123456R0123456789abcdefQ7.host,S=2048,W=2048": unique by time, randomness and
// counter. S and W are the size in the file and with CRLF line ends, which are the same here.
std::string maildir_name(WallTime now, std::uint64_t random, std::uint64_t counter,
                         std::string_view host, std::uint64_t size);

// The fields of a final delivery: Return-Path (RFC 5321 §4.4) and Delivered-To.
std::string delivery_fields(mail::Address const& reverse_path, mail::Address const& recipient);

// The content as pieces, without the Return-Path fields of its header: there is one, ours (RFC 5321
// §4.4).
void append_without_return_path(std::string_view content, std::vector<std::string_view>& pieces);

struct MaildirItem {
    std::string folder;  // of the maildir
    std::string name;    // of the file
    std::vector<std::string_view>
        pieces;                      // the whole message; unused when the file is written already
    std::unique_ptr<rt::File> file;  // below tmp/, written by start_maildir_file()
    std::optional<ErrorCode> error;  // after delivery: why not
    std::uint64_t size() const noexcept;  // of all pieces
};

// Makes tmp/name, and the maildir when it is missing.
Result<std::unique_ptr<rt::File>> start_maildir_file(rt::Files& files, std::string const& folder,
                                                     std::string const& name);

// Never throws; nothing is left below tmp/ of an item that failed, unless the disk itself fails.
void deliver_to_maildirs(rt::Files& files, std::vector<MaildirItem>& items);

}  // namespace dawk::mta
