package blob

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSealAndOpen(t *testing.T) {
	b := Seal([]byte("magic and body"))
	body, err := Open(b, "magic")
	require.NoError(t, err)
	require.Equal(t, " and body", string(body))
	for i := range b {
		_, err := Open(b[:i], "magic")
		require.Error(t, err)
		spoilt := append([]byte(nil), b...)
		spoilt[i] ^= 1
		_, err = Open(spoilt, "magic")
		require.Error(t, err)
	}
}

func TestReader(t *testing.T) {
	b := binary.AppendUvarint(nil, 300)
	b = append(binary.LittleEndian.AppendUint64(b, 7), 5, 'x', 'y')
	r := Reader{Body: b}
	require.Equal(t, uint64(300), r.Uvarint())
	require.Equal(t, uint64(7), r.Uint64())
	require.Error(t, r.End())
	require.Equal(t, byte(5), r.Byte())
	require.Equal(t, "xy", string(r.Take(2)))
	require.NoError(t, r.End())
	require.Nil(t, r.Take(1))
	require.Zero(t, r.Uvarint())
	require.Error(t, r.End())

	r = Reader{Body: b}
	require.Zero(t, r.Size(299))
	require.True(t, r.Bad)
	require.Nil(t, r.Take(-1))
}
