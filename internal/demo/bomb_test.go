package demo_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// answerWith answers a fetch with a pack, as protocol v2 frames it.
func answerWith(w http.ResponseWriter, r *http.Request, pack []byte) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	_, _ = io.WriteString(w, "000dpackfile\n")
	for len(pack) > 0 {
		n := min(len(pack), 60_000)
		_, _ = fmt.Fprintf(w, "%04x\x01%s", n+5, pack[:n])
		pack = pack[n:]
	}
	_, _ = io.WriteString(w, "0000")
	return true
}

// bomb is a pack of some kilobytes: an object of 1 MiB, and a delta that copies it to 512 MiB.
func bomb() []byte {
	const whole, piece = 512 << 20, 0xffff
	base := make([]byte, 1<<20)
	id := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(base)), base...))
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(base))), whole)
	for n := whole; n > 0; n -= piece {
		size := min(n, piece)
		delta = append(delta, 0x80|0x10|0x20, byte(size), byte(size>>8))
	}
	pack := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("PACK"), 2), 2)
	pack = append(append(pack, objectHeader(3, len(base))...), deflated(base)...)
	pack = append(append(append(pack, objectHeader(7, len(delta))...), id[:]...), deflated(delta)...)
	sum := sha1.Sum(pack)
	return append(pack, sum[:]...)
}

func objectHeader(kind byte, size int) []byte {
	first := kind<<4 | byte(size&15)
	if size >>= 4; size == 0 {
		return []byte{first}
	}
	return binary.AppendUvarint([]byte{first | 0x80}, uint64(size))
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	return out.Bytes()
}
