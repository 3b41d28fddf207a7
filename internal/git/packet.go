package git

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A packetKind tells data from the three markers of protocol v2.
type packetKind uint8

const (
	flushPacket packetKind = iota // 0000
	delimPacket                   // 0001
	endPacket                     // 0002
	dataPacket
)

// maxPacket is git's LARGE_PACKET_MAX, length included.
const maxPacket = 65520

// packets reads git's pkt-lines. It never reads past the packet it returns.
type packets struct {
	r   io.Reader
	buf [maxPacket]byte
}

// next returns the next packet; its data is valid until the next call. A
// stream that ends is io.ErrUnexpectedEOF, for it should end with a flush.
func (p *packets) next() (packetKind, []byte, error) {
	var length [2]byte
	if err := p.full(p.buf[:4]); err != nil {
		return 0, nil, err
	}
	if _, err := hex.Decode(length[:], p.buf[:4]); err != nil {
		return 0, nil, fmt.Errorf("packet length %q is not hexadecimal", p.buf[:4])
	}
	n := int(length[0])<<8 | int(length[1])
	switch {
	case n < int(dataPacket):
		return packetKind(n), nil, nil
	case n < 4 || n > maxPacket:
		return 0, nil, fmt.Errorf("packet length %d is out of range", n)
	}
	data := p.buf[:n-4]
	if err := p.full(data); err != nil {
		return 0, nil, err
	}
	return dataPacket, data, nil
}

func (p *packets) full(b []byte) error {
	_, err := io.ReadFull(p.r, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// line returns data as the text of a line, or the error that it carries.
func line(data []byte) (string, error) {
	text := strings.TrimSuffix(string(data), "\n")
	if msg, ok := strings.CutPrefix(text, "ERR "); ok {
		return "", remoteError(msg)
	}
	return text, nil
}

// remoteError is what the other side complains about.
func remoteError(msg string) error {
	err := fmt.Errorf("the server says %s", strconv.QuoteToGraphic(msg[:min(len(msg), 300)]))
	if strings.Contains(msg, "not our ref") || strings.Contains(msg, "not exported") {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}

// A demux reads the pack out of a side-band: band 1 of what packets returns,
// up to the flush.
type demux struct {
	packets  *packets
	progress func(text []byte) error // is given band 2, and may end it all; may be nil
	rest     []byte
	err      error
}

func (d *demux) Read(b []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.rest, d.err = d.data()
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *demux) data() ([]byte, error) {
	for {
		kind, data, err := d.packets.next()
		switch {
		case err != nil:
			return nil, err
		case kind != dataPacket:
			return nil, io.EOF
		case len(data) == 0:
			continue
		}
		switch data[0] {
		case 1:
			return data[1:], nil
		case 2:
			if d.progress == nil {
				continue
			}
			if err := d.progress(data[1:]); err != nil {
				return nil, err
			}
		case 3:
			return nil, remoteError(strings.TrimSuffix(string(data[1:]), "\n"))
		default:
			return nil, fmt.Errorf("side-band %d does not exist", data[0])
		}
	}
}

// appendLine writes a pkt-line.
func appendLine(b []byte, format string, args ...any) []byte {
	text := fmt.Sprintf(format, args...)
	b = fmt.Appendf(b, "%04x", len(text)+5)
	b = append(b, text...)
	return append(b, '\n')
}
